"""Stacks: made whole or not at all, changed with all that depends on the change, kept or deleted as they say."""

import json

import pytest
from botocore.exceptions import ClientError

BUCKET = {"Type": "AWS::S3::Bucket"}
GROUP = {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 7}}
ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
            ],
        },
        "Policies": [
            {
                "PolicyName": "Grants",
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": {"Fn::Sub": "${Data.Arn}/*"}}
                    ],
                },
            }
        ],
    },
}


def test_references_outputs_and_exports(cloud, name):
    resources = {"Role": ROLE, "Data": BUCKET, "Table": TABLE}
    outputs = {
        "Bucket": {"Value": {"Ref": "Data"}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}:Bucket"}}},
        "TableArn": {"Value": {"Fn::GetAtt": ["Table", "Arn"]}},
    }
    assert cloud.create(name, resources, Outputs=outputs)["StackStatus"] == "CREATE_COMPLETE"
    bucket = cloud.outputs(name)["Bucket"]
    assert bucket == cloud.physical(name)["Data"]
    policy = cloud.client("iam").get_role_policy(RoleName=cloud.physical(name)["Role"], PolicyName="Grants")
    assert policy["PolicyDocument"]["Statement"][0]["Resource"] == f"arn:aws:s3:::{bucket}/*"
    recovery = cloud.client("dynamodb").describe_continuous_backups(TableName=cloud.physical(name)["Table"])
    described = recovery["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert described["PointInTimeRecoveryStatus"] == "ENABLED"
    reader = {
        "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Fn::ImportValue": f"{name}:Bucket"}}}
    }
    cloud.create(f"{name}Reader", reader)
    assert cloud.physical(f"{name}Reader") == {"Group": bucket}
    cloud.cloudformation.delete_stack(StackName=name)
    assert "in use by" in cloud.stack(name)["StackStatusReason"]
    assert cloud.cloudformation.list_imports(ExportName=f"{name}:Bucket")["Imports"] == [f"{name}Reader"]


TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "PK", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
    },
}


def test_a_bucket_has_all_its_settings(cloud, name):
    settings = {
        "VersioningConfiguration": {"Status": "Enabled"},
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
        "PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "RestrictPublicBuckets": True},
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "LifecycleConfiguration": {
            "Rules": [
                {"Id": "Cold", "Status": "Enabled", "Prefix": "runs/", "Transitions": TRANSITIONS},
                {"Id": "Uploads", "Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
            ]
        },
    }
    cloud.create(name, {"Data": {"Type": "AWS::S3::Bucket", "Properties": settings}})
    s3, bucket = cloud.client("s3"), cloud.physical(name)["Data"]
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]["RestrictPublicBuckets"] is True
    rules = {each["ID"]: each for each in s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]}
    assert rules["Cold"]["Transitions"] == [{"Days": 30, "StorageClass": "INTELLIGENT_TIERING"}]
    assert rules["Uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"")["ServerSideEncryption"] == "AES256"


WEAK = {"StackName": "S", "OutputName": "Bucket", "Region": {"Ref": "AWS::Region"}}


def group(reference):
    return {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Fn::GetStackOutput": reference}}}


def test_an_output_that_is_read_weakly_may_change_and_go(cloud, name):
    """As an endpoint's name does, when another kind of endpoint takes its place."""
    cloud.create(name, {"Data": BUCKET}, Outputs={"Bucket": {"Value": {"Ref": "Data"}}})
    bucket = cloud.outputs(name)["Bucket"]
    reader = f"{name}Reader"
    assert cloud.create(reader, {"Group": group(WEAK | {"StackName": name})})["StackStatus"] == "CREATE_COMPLETE"
    assert cloud.physical(reader) == {"Group": bucket}
    cloud.cloudformation.delete_stack(StackName=name)
    assert not [each for each in cloud.client("s3").list_buckets()["Buckets"] if each["Name"] == bucket]


def test_an_output_that_is_not_there_fails_the_stack(cloud, name):
    cloud.create(name, {"Data": BUCKET})
    stack = cloud.create(f"{name}Reader", {"Group": group(WEAK | {"StackName": name})})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    ((_, reason), *_) = cloud.failures(f"{name}Reader")
    assert reason == f"Output Bucket not found in stack {name}."


TRANSITIONS = [{"StorageClass": "INTELLIGENT_TIERING", "TransitionInDays": 30}]


@pytest.mark.parametrize(
    ("broken", "word"),
    [
        ({"Type": "AWS::Quantum::Ledger"}, "AWS::Quantum::Ledger"),
        ({"Type": "AWS::S3::Bucket", "Properties": {"IntelligentTieringConfigurations": []}}, "IntelligentTiering"),
        ({"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Fn::GetAtt": ["Data", "Colour"]}}}, "Colour"),
        ({"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Fn::ImportValue": "Nobodys"}}}, "Nobodys"),
        (group(WEAK | {"StackName": "Nobodys"}), "Nobodys"),
        (group(WEAK | {"Region": "eu-north-9"}), "one region"),
        ({"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Fn::Cidr": []}}}, "Fn::Cidr"),
    ],
)
def test_what_is_not_supported_fails_the_stack_and_leaves_nothing(cloud, name, broken, word):
    stack = cloud.create(name, {"Data": BUCKET, "Broken": broken | {"DependsOn": "Data"}})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    ((logical_id, reason), *_) = cloud.failures(name)
    assert logical_id == "Broken"
    assert word in reason
    assert cloud.physical(name) == {}
    assert not [each for each in cloud.client("s3").list_buckets()["Buckets"] if name.lower() in each["Name"]]


def test_a_policy_that_cannot_be_decided_fails_the_stack(cloud, name):
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "*",
        "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    }
    policy = {"Bucket": {"Ref": "Data"}, "PolicyDocument": {"Statement": [statement]}}
    cloud.create(name, {"Data": BUCKET, "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": policy}})
    ((logical_id, reason), *_) = cloud.failures(name)
    assert (logical_id, "IpAddress" in reason) == ("Policy", True)


def test_names_outlast_a_restart_and_change_with_a_stacks_next_life(cloud, name):
    resources = {"Data": BUCKET | {"DeletionPolicy": "Retain"}, "Group": GROUP, "Table": TABLE}
    stack, first = cloud.create(name, resources)["StackId"], cloud.physical(name)
    cloud.cloudformation.delete_stack(StackName=name)
    assert cloud.create(name, resources)["StackStatus"] == "CREATE_COMPLETE"
    second = cloud.physical(name)
    assert not set(first.values()) & set(second.values())
    # A new process has empty back ends: what stood is taken away here.
    cloud.client("s3").delete_bucket(Bucket=second["Data"])
    cloud.client("logs").delete_log_group(logGroupName=second["Group"])
    restarted = cloud.restart()
    assert restarted.create(name, resources)["StackId"] != stack
    assert restarted.physical(name) == second


def test_deleting_keeps_what_is_to_be_kept(cloud, name):
    cloud.create(name, {"Kept": BUCKET | {"DeletionPolicy": "Retain"}, "Gone": BUCKET})
    physical = cloud.physical(name)
    cloud.cloudformation.delete_stack(StackName=name)
    assert cloud.exists("s3", "head_bucket", Bucket=physical["Kept"])
    assert not cloud.exists("s3", "head_bucket", Bucket=physical["Gone"])
    with pytest.raises(ClientError, match="does not exist"):
        cloud.stack(name)
    deleted = cloud.cloudformation.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    assert name in {each["StackName"] for each in deleted}


def test_a_protected_stack_stays(cloud, name):
    body = json.dumps({"Resources": {"Group": GROUP}})
    cloud.cloudformation.create_stack(StackName=name, TemplateBody=body, EnableTerminationProtection=True)
    with pytest.raises(ClientError, match="TerminationProtection"):
        cloud.cloudformation.delete_stack(StackName=name)
    assert cloud.stack(name)["StackStatus"] == "CREATE_COMPLETE"


def test_a_bucket_that_is_not_empty_fails_the_deletion(cloud, name):
    cloud.create(name, {"Data": BUCKET})
    cloud.client("s3").put_object(Bucket=cloud.physical(name)["Data"], Key="k", Body=b"")
    cloud.cloudformation.delete_stack(StackName=name)
    assert cloud.stack(name)["StackStatus"] == "DELETE_FAILED"
    assert "BucketNotEmpty" in cloud.failures(name)[0][1]


# --- updates


def test_nothing_to_update(cloud, name):
    cloud.create(name, {"Group": GROUP})
    with pytest.raises(ClientError, match="No updates are to be performed"):
        cloud.update(name, {"Group": GROUP})


def test_what_is_left_out_goes_and_what_is_new_comes(cloud, name):
    cloud.create(name, {"Old": BUCKET, "Group": GROUP})
    old = cloud.physical(name)["Old"]
    stack = cloud.update(name, {"New": BUCKET, "Group": GROUP | {"Properties": {"RetentionInDays": 30}}})
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert set(cloud.physical(name)) == {"New", "Group"}
    assert not cloud.exists("s3", "head_bucket", Bucket=old)
    group = cloud.physical(name)["Group"]
    (described,) = cloud.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert described["retentionInDays"] == 30


def function(code: str, **properties: object) -> dict[str, object]:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Code": {"ZipFile": code},
            "Handler": "index.handler",
            "Runtime": "python3.13",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            **properties,
        },
    }


def test_changed_code_is_another_revision_of_the_same_function(cloud, name):
    base = {"Role": ROLE, "Data": BUCKET}
    cloud.create(name, base | {"Function": function("def handler(event, context): return 1")})
    physical = cloud.physical(name)["Function"]
    before = cloud.client("lambda").get_function_configuration(FunctionName=physical)
    cloud.update(name, base | {"Function": function("def handler(event, context): return 2")})
    after = cloud.client("lambda").get_function_configuration(FunctionName=cloud.physical(name)["Function"])
    assert after["FunctionArn"] == before["FunctionArn"]
    assert after["CodeSha256"] != before["CodeSha256"]
    assert after["RevisionId"] != before["RevisionId"]


def test_a_replaced_layer_reaches_the_functions_that_use_it(cloud, name):
    s3 = cloud.client("s3")
    bucket = f"assets-{name.lower()}"
    s3.create_bucket(Bucket=bucket)
    for key in ("one.zip", "two.zip"):
        s3.put_object(Bucket=bucket, Key=key, Body=EMPTY_ZIP)

    def resources(key: str) -> dict[str, object]:
        content = {"Content": {"S3Bucket": bucket, "S3Key": key}}
        layer = {"Type": "AWS::Lambda::LayerVersion", "Properties": content}
        return {
            "Role": ROLE,
            "Data": BUCKET,
            "Function": function("def handler(event, context): ...", Layers=[{"Ref": "Layer"}], LoggingConfig=LOGGING),
            "Layer": layer,
            "Group": GROUP,
        }

    cloud.create(name, resources("one.zip"))
    before = cloud.physical(name)["Layer"]
    cloud.update(name, resources("two.zip"))
    after = cloud.physical(name)["Layer"]
    configuration = cloud.client("lambda").get_function_configuration(FunctionName=cloud.physical(name)["Function"])
    assert before != after
    assert [each["Arn"] for each in configuration["Layers"]] == [after]
    assert configuration["LoggingConfig"]["LogGroup"] == cloud.physical(name)["Group"]
    listed = [each["LayerVersions"] for each in layer_versions(cloud, before, after)]
    assert [[version["LayerVersionArn"] for version in versions] for versions in listed] == [[], [after]]


def layer_versions(cloud, *arns: str) -> list[dict[str, object]]:
    return [cloud.client("lambda").list_layer_versions(LayerName=arn.split(":")[6]) for arn in arns]


EMPTY_ZIP = b"PK\x05\x06" + b"\0" * 18
LOGGING = {"LogGroup": {"Ref": "Group"}}


def test_a_failed_update_is_taken_back(cloud, name):
    cloud.create(name, {"Group": GROUP, "Machine": machine(PASS), "Role": ROLE, "Data": BUCKET})
    before = cloud.physical(name)
    longer = GROUP | {"Properties": {"RetentionInDays": 30, "LogGroupName": "renamed"}}
    broken = {"Group": longer, "Machine": machine({"StartAt": "Nowhere", "States": {}}) | {"DependsOn": "Group"}}
    stack = cloud.update(name, broken | {"Role": ROLE, "Data": BUCKET, "New": BUCKET})
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    ((logical_id, reason), *_) = cloud.failures(name)
    assert (logical_id, "InvalidDefinition" in reason) == ("Machine", True)
    assert cloud.physical(name) == before
    (group,) = cloud.client("logs").describe_log_groups(logGroupNamePrefix=before["Group"])["logGroups"]
    assert group["retentionInDays"] == 7
    assert not cloud.client("logs").describe_log_groups(logGroupNamePrefix="renamed")["logGroups"]


PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": "${greeting}", "End": True}}}


def machine(definition: dict[str, object]) -> dict[str, object]:
    return {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "DefinitionString": json.dumps(definition),
            "DefinitionSubstitutions": {"greeting": 'say "hello"'},
            "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
        },
    }


def test_a_state_machine_is_made_changed_and_deleted(cloud, name):
    base = {"Role": ROLE, "Data": BUCKET}
    cloud.create(
        name, base | {"Machine": machine(PASS)}, Outputs={"Name": {"Value": {"Fn::GetAtt": ["Machine", "Name"]}}}
    )
    arn = cloud.physical(name)["Machine"]
    states = cloud.client("stepfunctions")
    definition = json.loads(states.describe_state_machine(stateMachineArn=arn)["definition"])
    assert definition["States"]["P"]["Result"] == 'say "hello"'
    assert arn.endswith(":" + cloud.outputs(name)["Name"])
    changed = {"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}
    cloud.update(name, base | {"Machine": machine(changed)})
    assert json.loads(states.describe_state_machine(stateMachineArn=arn)["definition"])["StartAt"] == "S"
    cloud.cloudformation.delete_stack(StackName=name)
    assert not cloud.exists("stepfunctions", "describe_state_machine", stateMachineArn=arn)


def test_a_named_resource_is_not_replaced_by_one_of_its_name(cloud, name):
    def table(key: str) -> dict[str, object]:
        named = {"TableName": f"{name}-table", "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}]}
        attributes = [{"AttributeName": key, "AttributeType": "S"}]
        return TABLE | {"Properties": TABLE["Properties"] | named | {"AttributeDefinitions": attributes}}

    cloud.create(name, {"Table": table("PK")})
    assert cloud.update(name, {"Table": table("ID")})["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "custom-named" in cloud.failures(name)[0][1]


# --- templates


def test_conditions_parameters_and_mappings(cloud, name):
    template = {
        "Parameters": {"Days": {"Type": "Number"}, "Stage": {"Type": "String", "AllowedValues": ["test", "live"]}},
        "Mappings": {"Sizes": {"live": {"days": 30}, "test": {"days": 1}}},
        "Conditions": {
            "IsLive": {"Fn::Equals": [{"Ref": "Stage"}, "live"]},
            "IsTest": {"Fn::Not": [{"Condition": "IsLive"}]},
        },
        "Resources": {
            "Group": {
                "Type": "AWS::Logs::LogGroup",
                "Properties": {
                    "RetentionInDays": {"Fn::If": ["IsLive", {"Ref": "Days"}, {"Ref": "AWS::NoValue"}]},
                    "LogGroupName": {"Fn::Join": ["/", ["", "group", {"Ref": "Stage"}, name]]},
                },
            },
            "OnlyLive": GROUP | {"Condition": "IsLive"},
        },
        "Outputs": {
            "Days": {"Value": {"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "days"]}},
            "Live": {"Condition": "IsLive", "Value": "yes"},
        },
    }
    parameters = [{"ParameterKey": "Days", "ParameterValue": "14"}, {"ParameterKey": "Stage", "ParameterValue": "test"}]
    body = json.dumps(template)
    cloud.cloudformation.create_stack(StackName=name, TemplateBody=body, Parameters=parameters)
    assert cloud.physical(name) == {"Group": f"/group/test/{name}"}
    assert cloud.outputs(name) == {"Days": "1"}
    parameters[1]["ParameterValue"] = "live"
    parameters[0] = {"ParameterKey": "Days", "UsePreviousValue": True}
    cloud.cloudformation.update_stack(StackName=name, UsePreviousTemplate=True, Parameters=parameters)
    assert set(cloud.physical(name)) == {"Group", "OnlyLive"}
    assert cloud.outputs(name) == {"Days": "30", "Live": "yes"}
    parameters[1]["ParameterValue"] = "other"
    with pytest.raises(ClientError, match="AllowedValues"):
        cloud.cloudformation.update_stack(StackName=name, UsePreviousTemplate=True, Parameters=parameters)


@pytest.mark.parametrize(
    ("template", "word"),
    [
        ({"Resources": {}}, "At least one Resources"),
        ({"Resources": {"A": BUCKET}, "Transform": "AWS::Serverless-2016-10-31"}, "Transform"),
        ({"Resources": {"A": BUCKET | {"DependsOn": "B"}, "B": BUCKET | {"DependsOn": "A"}}}, "Circular"),
        ({"Resources": {"A": BUCKET}, "Parameters": {"P": {"Type": "String"}}}, "must have values"),
        (
            {"Resources": {"A": BUCKET}, "Rules": {"R": {"Assertions": [{"Assert": {"Fn::Equals": ["1", "2"]}}]}}},
            "assertion",
        ),
    ],
)
def test_a_wrong_template_makes_no_stack(cloud, name, template, word):
    with pytest.raises(ClientError, match=word):
        cloud.cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    with pytest.raises(ClientError, match="does not exist"):
        cloud.stack(name)


def test_a_template_in_yaml(cloud, name):
    body = """
AWSTemplateFormatVersion: 2010-09-09
Resources:
  Data:
    Type: AWS::S3::Bucket
Outputs:
  Arn:
    Value: !Sub "${Data.Arn}/*"
"""
    cloud.cloudformation.create_stack(StackName=name, TemplateBody=body)
    assert cloud.outputs(name)["Arn"] == f"arn:aws:s3:::{cloud.physical(name)['Data']}/*"


def test_a_change_set_is_looked_at_and_made(cloud, name):
    body = json.dumps({"Resources": {"Group": GROUP}})
    target = {"StackName": name, "ChangeSetName": "first"}
    cloud.cloudformation.create_change_set(**target, TemplateBody=body, ChangeSetType="CREATE")
    described = cloud.cloudformation.describe_change_set(**target)
    (change,) = described["Changes"]
    assert (described["Status"], change["ResourceChange"]["Action"]) == ("CREATE_COMPLETE", "Add")
    assert cloud.stack(name)["StackStatus"] == "REVIEW_IN_PROGRESS"
    cloud.cloudformation.execute_change_set(**target)
    assert cloud.stack(name)["StackStatus"] == "CREATE_COMPLETE"
    target["ChangeSetName"] = "second"
    cloud.cloudformation.create_change_set(**target, TemplateBody=body, ChangeSetType="UPDATE")
    described = cloud.cloudformation.describe_change_set(**target)
    assert described["Status"] == "FAILED"
    assert "didn't contain changes" in described["StatusReason"]


def test_a_type_that_only_moto_knows(cloud, name):
    cloud.create(
        name, {"Queue": {"Type": "AWS::SQS::Queue"}}, Outputs={"Arn": {"Value": {"Fn::GetAtt": ["Queue", "Arn"]}}}
    )
    assert cloud.outputs(name)["Arn"].startswith("arn:aws:sqs:us-east-1:123456789012:")
    cloud.cloudformation.delete_stack(StackName=name)
    assert cloud.client("sqs").list_queues().get("QueueUrls", []) == []


@pytest.mark.parametrize(
    ("output", "word"),
    [({"Value": {"Fn::GetAtt": ["Data", "Colour"]}}, "Colour"), ({"Value": "x", "Condition": "Unknown"}, "Unknown")],
)
def test_a_wrong_output_takes_the_stack_back(cloud, name, output, word):
    stack = cloud.create(name, {"Data": BUCKET}, Outputs={"Wrong": output})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    ((logical_id, reason), *_) = cloud.failures(name)
    assert (logical_id, word in reason) == ("Wrong", True)
    assert cloud.physical(name) == {}


def test_a_malformed_function_takes_the_stack_back(cloud, name):
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Fn::Join": ["/"]}}}
    assert cloud.create(name, {"Group": group})["StackStatus"] == "ROLLBACK_COMPLETE"
    assert cloud.failures(name)[0][0] == "Group"


def test_what_is_kept_only_once_it_stood(cloud, name):
    kept = BUCKET | {"DeletionPolicy": "RetainExceptOnCreate"}
    broken = {"Type": "AWS::Quantum::Ledger", "DependsOn": "Data"}
    cloud.create(name, {"Data": kept, "Broken": broken})
    assert not [each for each in cloud.client("s3").list_buckets()["Buckets"] if name.lower() in each["Name"]]
    cloud.cloudformation.delete_stack(StackName=name)
    cloud.create(name, {"Data": kept})
    bucket = cloud.physical(name)["Data"]
    cloud.cloudformation.delete_stack(StackName=name)
    assert cloud.exists("s3", "head_bucket", Bucket=bucket)
