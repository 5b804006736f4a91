"""One task's endpoint: role, Model, EndpointConfig, Endpoint and the alarms that watch it."""

from pathlib import Path
from typing import Final

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from stacks.constructs.access import Access, Objects
from stacks.constructs.alarms import PERIOD, add_alarm
from stacks.nag import acknowledge_resources
from stacks.serving import Serving
from stacks.storage import Storage

VARIANT: Final = "AllTraffic"
#: Where SageMaker writes what containers print; the endpoint's name, which is made later, comes after it.
LOG_GROUPS: Final = "/aws/sagemaker/Endpoints/*"
#: As cdk-nag spells them.
LOGS_ARN: Final = f"arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:{LOG_GROUPS}"
NAMESPACE: Final = "/aws/sagemaker/Endpoints"
#: Errors of the container or of SageMaker in one period: one may be a container that was replaced.
ERRORS: Final = 5
#: p99 of what the container takes, in seconds; callers give up at 25.
SLOW_SECONDS: Final = 5
SLOW_PERIODS: Final = 3

NO_RESOURCE: Final = (
    "ecr:GetAuthorizationToken and cloudwatch:PutMetricData: IAM knows no resource for them; the metrics' namespace is fixed "
    "by a condition"
)
LOGS_PATTERN: Final = (
    "SageMaker makes the log group when the endpoint starts and names it after the endpoint, whose name is not known before; "
    "the role is needed for that start"
)


class ServedEndpoint(Construct):
    """The endpoint of one task. `name` and `arn` are for those who call it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        task: str,
        serving: Serving,
        storage: Storage,
        image_uri: str,
        repository_arn: str,
        first_model: Path,
    ) -> None:
        super().__init__(scope, construct_id)
        asset = assets.Asset(self, "FirstModel", path=str(first_model))
        role = self._role(task, storage, asset, repository_arn)
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=role.role_arn,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=image_uri,
                model_data_url=asset.s3_object_url,
                environment={"EDGETRAIN_TASK": task, "MODELS_BUCKET": storage.models.bucket_name},
            ),
        )
        config = sagemaker.CfnEndpointConfig(
            self, f"{serving.kind}Config", production_variants=[_variant(model, serving)]
        )
        endpoint = sagemaker.CfnEndpoint(
            self, f"{serving.kind}Endpoint", endpoint_config_name=config.attr_endpoint_config_name
        )
        self.name = endpoint.attr_endpoint_name
        self.arn = endpoint.ref
        self._alarms(task)

    def _role(self, task: str, storage: Storage, asset: assets.Asset, repository_arn: str) -> iam.Role:
        published = Access(models=Objects(reads=(f"models/{task}/*",)))
        model_arn = asset.bucket.arn_for_objects(asset.s3_object_key)
        logs_arn = Stack.of(self).format_arn(
            service="logs", resource="log-group", resource_name=LOG_GROUPS, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"),
            inline_policies={
                "Grants": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(actions=["ecr:GetAuthorizationToken"], resources=["*"]),
                        iam.PolicyStatement(
                            actions=[
                                "ecr:BatchCheckLayerAvailability",
                                "ecr:BatchGetImage",
                                "ecr:GetDownloadUrlForLayer",
                            ],
                            resources=[repository_arn],
                        ),
                        iam.PolicyStatement(actions=["s3:GetObject"], resources=[model_arn]),
                        *published.statements(storage),
                        iam.PolicyStatement(
                            actions=[
                                *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams"),
                                "logs:PutLogEvents",
                            ],
                            resources=[logs_arn],
                        ),
                        iam.PolicyStatement(
                            actions=["cloudwatch:PutMetricData"],
                            resources=["*"],
                            conditions={"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
                        ),
                    ]
                )
            },
        )
        acknowledge_resources(role, ["*"], NO_RESOURCE)
        acknowledge_resources(role, [LOGS_ARN], LOGS_PATTERN)
        published.acknowledge(role, storage)
        return role

    def _alarms(self, task: str) -> None:
        self._alarm(
            "Errors",
            "Invocation5XXErrors",
            statistic="Sum",
            threshold=ERRORS,
            periods=1,
            about=f"the endpoint of {task} answered {ERRORS} or more requests with a server error in five minutes",
        )
        self._alarm(
            "Latency",
            "ModelLatency",
            statistic="p99",
            threshold=SLOW_SECONDS * 1_000_000,  # microseconds
            periods=SLOW_PERIODS,
            about=f"one in a hundred detections of {task} took {SLOW_SECONDS} s or longer, for a quarter of an hour",
        )

    def _alarm(
        self, construct_id: str, metric: str, *, statistic: str, threshold: float, periods: int, about: str
    ) -> None:
        measured = cloudwatch.Metric(
            namespace="AWS/SageMaker",
            metric_name=metric,
            dimensions_map={"EndpointName": self.name, "VariantName": VARIANT},
            statistic=statistic,
            period=PERIOD,
        )
        add_alarm(self, f"{construct_id}Alarm", measured, threshold, about, periods=periods)


def _variant(model: sagemaker.CfnModel, serving: Serving) -> sagemaker.CfnEndpointConfig.ProductionVariantProperty:
    """The one variant of an endpoint."""
    if serving.instance_type is not None:
        return sagemaker.CfnEndpointConfig.ProductionVariantProperty(
            variant_name=VARIANT,
            model_name=model.attr_model_name,
            initial_variant_weight=1,
            initial_instance_count=1,
            instance_type=serving.instance_type,
        )
    return sagemaker.CfnEndpointConfig.ProductionVariantProperty(
        variant_name=VARIANT,
        model_name=model.attr_model_name,
        initial_variant_weight=1,
        serverless_config=sagemaker.CfnEndpointConfig.ServerlessConfigProperty(
            memory_size_in_mb=serving.memory_mb, max_concurrency=serving.max_concurrency
        ),
    )
