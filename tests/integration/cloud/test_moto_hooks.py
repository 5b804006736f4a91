"""What we lean on inside of moto, one test for each hook. When one turns red, moto's pin has moved: see what else moved.

The docstring of each test says who leans on it.
"""

import importlib.metadata
import inspect
import io
import subprocess
import sys
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from edgetrain.local.moto_app import MotoApplication
from edgetrain.local.place import ACCOUNT, REGION

moto_application = MotoApplication()


def parameters(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_the_pin():
    """docs/adr/0001: these hooks are known of this version."""
    assert importlib.metadata.version("moto") == "5.2.5"


def test_settings_are_read_from_the_environment_at_import():
    """edgetrain/local/moto_app.py, SETTINGS."""
    script = (
        "from edgetrain.local.moto_app import MotoApplication; MotoApplication(); from moto import settings;"
        "print(settings.S3_IGNORE_SUBDOMAIN_BUCKETNAME, settings.ec2_load_default_amis())"
    )
    # A process of its own: in this one, another test may have imported moto before.
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_awss_own_policies_are_read_for_one_partition():
    """edgetrain/local/moto_app.py, _load_managed_policies_once."""
    script = (
        "from edgetrain.local.moto_app import MotoApplication; MotoApplication();"
        "from moto.iam.models import iam_backends; from edgetrain.local.place import ACCOUNT;"
        "print(*[len(iam_backends[ACCOUNT][name].aws_managed_policies) > 0 for name in ('aws', 'aws-cn')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_the_dispatcher_is_a_wsgi_application_that_finds_a_service_by_its_signature():
    """MotoApplication: composed of DomainDispatcherApplication and create_backend_app; warm_up asks get_application."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    dispatcher = DomainDispatcherApplication(create_backend_app)
    credential = "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0"
    environ = {"PATH_INFO": "/", "HTTP_HOST": "localhost", "HTTP_AUTHORIZATION": credential}
    assert dispatcher.get_application(environ).service == "sqs"


def test_instances_are_tracked_until_they_are_forgotten():
    """MotoApplication forgets them now and then: moto's lists of all models would grow for ever."""
    from moto.core.model_instances import reset_model_data
    from moto.dynamodb.models.dynamo_type import DynamoType, Item

    Item(DynamoType({"S": "a"}), None, {})
    assert Item.instances_tracked
    reset_model_data()
    assert Item.instances_tracked == []


# --- S3


def s3_bucket(name: str) -> Any:
    from edgetrain.local.s3 import objects

    backend = objects.backend()
    return backend.buckets.get(name) or backend.create_bucket(name, REGION)


def test_buckets_and_their_keys():
    """edgetrain/local/s3/objects.py: the back end's buckets, a bucket's list of versions for each key."""
    bucket = s3_bucket("hook-buckets")
    assert bucket.versioning_status is None
    assert (bucket.encryption, bucket.notification_configuration, dict(bucket.multiparts)) == (None, None, {})
    assert bucket.keys.getlist("none", []) == []
    one, two = (SimpleNamespace(name="k", dispose=lambda: None) for _ in range(2))
    bucket.keys.setlist("k", [one, two])
    assert bucket.keys["k"] is two
    assert bucket.keys.getlist("k") == [one, two]
    bucket.keys.pop("k")
    assert "k" not in bucket.keys


def test_a_key_takes_another_buffer():
    """StoredObject: FakeKey's constructor, `_value_buffer`, `contentsize`, `_etag`, and disposal that closes the buffer."""
    from moto.s3.models import FakeKey

    key = FakeKey(
        name="k", value=b"", account_id=ACCOUNT, region_name=REGION, bucket_name="b", etag="abc", version_id="v"
    )
    key._value_buffer = io.BytesIO(b"elsewhere")
    key.contentsize = 9
    assert (key.value, key.size, key.etag, key.version_id) == (b"elsewhere", 9, '"abc"', "v")
    assert (key.checksum_algorithm, key.checksum_value, key.checksum_type) == (None, None, None)
    assert isinstance(key.last_modified, datetime)
    assert key.last_modified.tzinfo is None
    buffer = key._value_buffer
    key.dispose()
    assert buffer.closed


def test_versions_are_disposed_of_when_a_list_leaves_them_out():
    """BlobStore counts on it: a file goes with its last version."""
    bucket = s3_bucket("hook-disposal")
    gone: list[str] = []
    old = SimpleNamespace(name="k", dispose=lambda: gone.append("old"))
    bucket.keys.setlist("k", [old])
    bucket.keys.setlist("k", [SimpleNamespace(name="k", dispose=lambda: gone.append("new"))])
    assert gone == ["old"]
    bucket.keys.pop("k")
    assert gone == ["old", "new"]


def test_a_delete_marker_needs_no_more_of_its_key_than_the_name():
    """edgetrain/local/s3/objects.py, delete: markers where there never was an object, and with the id `null`."""
    from moto.s3.models import FakeDeleteMarker

    marker = FakeDeleteMarker(key=SimpleNamespace(name="k"))
    marker._version_id = "null"
    assert (marker.name, marker.version_id) == ("k", "null")


def test_uploads_in_parts():
    """edgetrain/local/s3/uploads.py: CreateMultipartUpload is moto's; its parts and their numbers are ours."""
    bucket = s3_bucket("hook-uploads")
    from edgetrain.local.s3 import objects

    upload = objects.backend().create_multipart_upload(
        bucket.name, "k", {"x-amz-checksum-algorithm": "SHA256"}, "STANDARD", {}, None, None, None
    )
    assert bucket.multiparts[upload.id] is upload
    assert (upload.key_name, upload.parts, upload.partlist) == ("k", {}, [])
    assert upload.metadata["x-amz-checksum-algorithm"] == "SHA256"
    del bucket.multiparts[upload.id]


def test_notifications_and_tags():
    """edgetrain/local/s3/objects.py: notify and set_tags."""
    from moto.s3 import notifications

    from edgetrain.local.s3 import objects

    assert parameters(notifications.send_event) == ["account_id", "event_name", "bucket", "key"]
    objects.backend().tagger.tag_resource("hook", [{"Key": "a", "Value": "1"}])
    assert objects.backend().tagger.get_tag_dict_for_resource("hook") == {"a": "1"}


def test_a_key_that_is_encoded_is_found_in_the_raw_uri():
    """edgetrain/local/s3/addressing.py sets RAW_URI for what it hands on."""
    from moto.core.request import Request

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/b/a/c", "RAW_URI": "/b/a%2Fc?acl", "SERVER_NAME": "x"}
    assert Request(environ | {"SERVER_PORT": "80", "wsgi.url_scheme": "http"}).raw_path == "/b/a%2Fc"


# --- DynamoDB, Lambda, Step Functions, STS


def test_a_back_end_can_be_put_in_anothers_place():
    """DynamoDbApi puts TransactingBackend there."""
    from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends

    from edgetrain.local.dynamodb import TransactingBackend

    before = dynamodb_backends[ACCOUNT][REGION]
    try:
        mine = TransactingBackend(REGION, ACCOUNT)
        dynamodb_backends[ACCOUNT][REGION] = mine
        assert dynamodb_backends[ACCOUNT][REGION] is mine
        assert mine.url_bases == DynamoDBBackend(REGION, ACCOUNT).url_bases
    finally:
        dynamodb_backends[ACCOUNT][REGION] = before


def test_the_words_of_a_transaction():
    """edgetrain/local/dynamodb.py: conditions, items and failures in moto's own terms."""
    from moto.dynamodb.comparisons import get_filter_expression
    from moto.dynamodb.exceptions import TransactionCanceledException
    from moto.dynamodb.models import DynamoDBBackend

    assert get_filter_expression("attribute_not_exists(PK)", None, None).expr(None) is True
    failure = TransactionCanceledException([("ConditionalCheckFailed", "text", None), (None, None, None)])
    assert "ConditionalCheckFailed" in str(failure.message)
    for name in ("get_table", "get_item", "put_item", "delete_item", "update_item"):
        assert callable(getattr(DynamoDBBackend, name))


def test_functions_and_layers():
    """CloudServices and LambdaApi read moto's records of functions."""
    from moto.awslambda.models import LambdaFunction, LayerVersion, lambda_backends

    backend = lambda_backends[ACCOUNT][REGION]
    assert isinstance(backend._lambdas._functions, dict)
    assert parameters(backend._lambdas.get_function_by_name_with_qualifier) == ["name", "qualifier"]
    zipped = b"PK\x05\x06" + b"\0" * 18
    spec = {"Code": {"ZipFile": zipped_text(zipped)}, "FunctionName": "hook", "Role": "r", "Runtime": "python3.13"}
    function = LambdaFunction(account_id=ACCOUNT, spec=spec, region=REGION, version="$LATEST")
    assert function.code_bytes == zipped
    assert function.logs_group_name == "/aws/lambda/hook"
    expected = {"environment_vars": {}, "memory_size": 128, "timeout": 3, "layers": [], "package_type": "Zip"}
    assert {name: getattr(function, name) for name in expected} == expected
    assert function.reserved_concurrency is None
    layer = LayerVersion({"LayerName": "l", "Content": {"ZipFile": zipped_text(zipped)}}, ACCOUNT, REGION)
    assert layer.code_bytes == zipped
    assert layer.code_sha_256 == function.code_sha_256


def zipped_text(content: bytes) -> str:
    import base64

    return base64.b64encode(content).decode()


def test_state_machines():
    """find_state_machine hands moto's to the engine."""
    from moto.stepfunctions.models import stepfunctions_backends

    backend = stepfunctions_backends[ACCOUNT][REGION]
    machine = backend.create_state_machine("hook", "{}", f"arn:aws:iam::{ACCOUNT}:role/r")
    assert machine in backend.state_machines
    assert (machine.name, machine.definition, machine.roleArn) == ("hook", "{}", f"arn:aws:iam::{ACCOUNT}:role/r")
    backend.delete_state_machine(machine.arn)


def test_an_assumed_role_is_known_by_its_key():
    """edgetrain/local/identity.py: who is denied something."""
    from moto.sts.models import sts_backends

    backend = sts_backends[ACCOUNT]["aws"]
    role = backend.assume_role(REGION, "session", f"arn:aws:iam::{ACCOUNT}:role/r", "", 900, "")
    found = backend.get_assumed_role_from_access_key(role.access_key_id)
    assert found.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/r/session"


# --- CloudFormation


def test_the_query_protocol():
    """edgetrain/local/cloudformation/api.py: moto's parser and serializer, from botocore's model."""
    from moto.core.parse import QueryParser
    from moto.core.serialize import get_serializer_class
    from moto.core.utils import get_service_model
    from werkzeug.datastructures import MultiDict

    from edgetrain.local.cloudformation.errors import invalid

    operation = get_service_model("cloudformation").operation_model("CreateStack")
    form = MultiDict([("StackName", "s"), ("Parameters.member.1.ParameterKey", "k"), ("DisableRollback", "true")])
    parsed = QueryParser(operation).parse({"values": form})
    assert parsed == {"StackName": "s", "Parameters": [{"ParameterKey": "k"}], "DisableRollback": True}
    serialize = get_serializer_class("cloudformation", "query")(operation).serialize
    answer = serialize({"StackId": "arn"})
    assert (answer["status_code"], "<StackId>arn</StackId>" in answer["body"]) == (200, True)
    failure = serialize(invalid("a reason"))
    assert failure["status_code"] == 400
    assert "<Code>ValidationError</Code>" in failure["body"]


def test_models_of_types_that_we_do_not_know():
    """MotoProvider: get_model_map, and what a model has."""
    from moto.cloudformation.parsing import get_model_map

    model = get_model_map()["AWS::SQS::Queue"]
    made = model.create_from_cloudformation_json(
        "hook-queue", {"Properties": {}}, ACCOUNT, REGION, LogicalId="Q", StackId="s"
    )
    assert model.cloudformation_name_type() == "QueueName"
    assert made.has_cfn_attr("Arn")
    assert made.get_cfn_attribute("Arn").endswith(":hook-queue")
    assert "hook-queue" in made.physical_resource_id
    assert "AWS::ApiGatewayV2::Api" not in get_model_map()


@pytest.mark.parametrize("short_form", ["!Ref Data", "!Sub '${Data}'", "!GetAtt Data.Arn"])
def test_short_forms_in_yaml(short_form):
    """edgetrain/local/cloudformation/template.py: yaml_tag_constructor."""
    from edgetrain.local.cloudformation.template import Template

    body = f"Resources:\n  A:\n    Type: T\n    Properties:\n      P: {short_form}\n"
    (value,) = Template.parse(body).resources["A"]["Properties"]["P"].values()
    assert value in ("Data", "${Data}", ["Data", "Arn"])


def test_an_http_api_is_objects_with_plain_attributes():
    """edgetrain/local/http_api/catalogue.py reads them at each request, gives an API another id, and keeps deployments there."""
    from moto.apigatewayv2.models import apigatewayv2_backends

    backend = apigatewayv2_backends[ACCOUNT][REGION]
    given = dict.fromkeys(parameters(backend.create_api))
    api = backend.create_api(**{**given, "name": "a", "protocol_type": "HTTP", "tags": {}})
    assert backend.apis[api.api_id] is api
    assert api.api_id in api.arn
    assert api.api_id in api.api_endpoint
    stage = api.create_stage({"stageName": "s", "autoDeploy": True, "routeSettings": {"GET /x": {}}})
    assert api.stages["s"] is stage
    assert (stage.auto_deploy, stage.route_settings, stage.access_log_settings) == (True, {"GET /x": {}}, None)
    route = api.create_route(False, ["scope"], "GET /x", "integrations/i", "JWT", "authorizer")
    assert api.routes == {route.route_id: route}
    assert (route.authorization_scopes, route.authorization_type, route.authorizer_id) == (
        ["scope"],
        "JWT",
        "authorizer",
    )
    backend.delete_api(api.api_id)


def test_a_functions_policy_is_a_list_of_statements():
    """edgetrain/local/http_api/catalogue.py: API Gateway may invoke what the policy says."""
    from moto.awslambda.policy import Policy

    policy = Policy(SimpleNamespace(function_arn="arn:aws:lambda:us-east-1:123456789012:function:f"))
    policy.add_statement(
        '{"Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com", "SourceArn": "arn"}'
    )
    (statement,) = policy.statements
    assert statement["Principal"] == {"Service": "apigateway.amazonaws.com"}
    assert statement["Condition"] == {"ArnLike": {"AWS:SourceArn": "arn"}}
    assert statement["Resource"].endswith(":function:f")


def test_sagemakers_records_are_objects_with_plain_attributes():
    """edgetrain/local/sagemaker/records.py: an endpoint's status is set on moto's record, and DescribeEndpoint shows it."""
    from moto.sagemaker.models import sagemaker_backends

    backend = sagemaker_backends[ACCOUNT][REGION]
    container = {"Image": "i", "ModelDataUrl": "s3://b/k", "Environment": {"A": "1"}}
    model = backend.create_model("hook", "role", container, {}, None, None)
    assert backend._models["hook"] is model
    assert (model.primary_container, model.containers, model.execution_role_arn) == (container, [], "role")
    variant = {
        "VariantName": "v",
        "ModelName": "hook",
        "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 2},
    }
    backend.create_endpoint_config("hook", [variant], {}, {}, [], "")
    config = backend.endpoint_configs["hook"].response_object
    assert config["ProductionVariants"] == [variant]
    endpoint = backend.create_endpoint("hook", "hook", [])
    assert backend.endpoints["hook"] is endpoint
    endpoint.endpoint_status, endpoint.failure_reason = "Failed", "why"
    endpoint.endpoint_config_name = "another"
    endpoint.production_variants = endpoint._process_production_variants(config["ProductionVariants"])
    told = backend.describe_endpoint("hook")
    assert (told["EndpointStatus"], told["FailureReason"], told["EndpointConfigName"]) == ("Failed", "why", "another")
    assert told["ProductionVariants"][0]["CurrentServerlessConfig"] == variant["ServerlessConfig"]
    for delete in (backend.delete_endpoint, backend.delete_endpoint_config, backend.delete_model):
        delete("hook")
    assert "hook" not in {*backend.endpoints, *backend.endpoint_configs, *backend._models}


def test_cloudfronts_records_take_another_id_and_tell_it():
    """edgetrain/local/cloudfront/api.py: `register` makes a record of a configuration and puts it under an id of ours."""
    from moto.cloudfront.models import Distribution, cloudfront_backends

    behaviour = {"TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all"}
    origins = {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "example.org"}]}
    record = Distribution(
        ACCOUNT, REGION, {"CallerReference": "r", "DefaultCacheBehavior": behaviour, "Origins": origins}
    )
    assert {"id", "distribution_id", "arn", "domain_name"} <= set(vars(record))
    record.id = record.distribution_id = "E1"
    backend = cloudfront_backends[ACCOUNT]["aws"]
    backend.distributions["E1"] = record
    assert backend.get_distribution("E1")[0] is record
    assert record.location.endswith("/distribution/E1")
    assert backend.create_invalidation("E1", ["/*"], "r").status == "COMPLETED"  # `_spelled` mends it
    del backend.distributions["E1"]


def test_a_bucket_has_its_cors_rules():
    """edgetrain/local/s3/cors.py reads them."""
    bucket = s3_bucket("cors")
    bucket.set_cors([{"AllowedMethod": "GET", "AllowedOrigin": ["*"], "MaxAgeSeconds": "60"}])
    (rule,) = bucket.cors
    found = (
        rule.allowed_methods,
        rule.allowed_origins,
        rule.allowed_headers,
        rule.exposed_headers,
        rule.max_age_seconds,
    )
    assert found == (["GET"], ["*"], None, None, "60")
