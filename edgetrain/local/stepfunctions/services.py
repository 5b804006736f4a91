"""The services that a task may call: their names, their actions and parameters, and how their errors are named."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from edgetrain.local.stepfunctions.definition import Resource


@dataclass(frozen=True)
class Service:
    """A service: `model` is botocore's name, `prefix` that of its errors in AWS SDK integrations."""

    model: str
    prefix: str


#: What the embedded cloud has, by the names of AWS SDK integrations.
SERVICES: Final = {
    "apigatewayv2": Service("apigatewayv2", "ApiGatewayV2"),
    "cloudformation": Service("cloudformation", "CloudFormation"),
    "cloudfront": Service("cloudfront", "CloudFront"),
    "cloudwatch": Service("cloudwatch", "CloudWatch"),
    "cloudwatchlogs": Service("logs", "CloudWatchLogs"),
    "cognitoidentityprovider": Service("cognito-idp", "CognitoIdentityProvider"),
    "dynamodb": Service("dynamodb", "DynamoDb"),
    "ecr": Service("ecr", "Ecr"),
    "iam": Service("iam", "Iam"),
    "lambda": Service("lambda", "Lambda"),
    "s3": Service("s3", "S3"),
    "sagemaker": Service("sagemaker", "SageMaker"),
    "sfn": Service("stepfunctions", "Sfn"),
    "sqs": Service("sqs", "Sqs"),
    "sts": Service("sts", "Sts"),
}


@dataclass(frozen=True)
class Optimised:
    """A service with integrations of its own: its actions and patterns, and the words of its errors."""

    service: str
    actions: dict[str, tuple[str, ...]]
    prefix: str
    shown: str
    #: The error for a code that the SDK has no class for; None: the code itself.
    unmodelled: str | None
    #: What an error's name ends with, after its code.
    suffix: str = ""


@dataclass(frozen=True)
class Job:
    """How a job that `.sync` waits for is asked after (every so many seconds) and stopped, by its name.

    `taken` is the error of a name that is in use, `arn` the member that has the job's ARN.
    """

    service: str
    name: str
    arn: str
    taken: str
    describe: str
    stop: str
    status: str
    completed: frozenset[str]
    failed: frozenset[str]
    seconds: float = 1.0


JOBS: Final = {
    ("sagemaker", "createTrainingJob"): Job(
        "sagemaker",
        "TrainingJobName",
        "TrainingJobArn",
        "ResourceInUse",
        "describeTrainingJob",
        "stopTrainingJob",
        "TrainingJobStatus",
        frozenset({"Completed"}),
        frozenset({"Failed", "Stopped"}),
    ),
}

OPTIMISED: Final = {
    "dynamodb": Optimised(
        "dynamodb",
        dict.fromkeys(("getItem", "putItem", "updateItem", "deleteItem"), ("",)),
        "DynamoDB",
        "AmazonDynamoDBv2",
        None,
    ),
    # No action: the embedded cloud runs no training jobs. Once it does, `"createTrainingJob": ("", "sync")` is all.
    "sagemaker": Optimised("sagemaker", {}, "SageMaker", "AmazonSageMaker", "AmazonSageMakerException", "Exception"),
    "sqs": Optimised(
        "sqs", {"sendMessage": ("", "waitForTaskToken")}, "SQS", "AmazonSQS", "AmazonSQSException", "Exception"
    ),
    "states": Optimised(
        "sfn",
        {"startExecution": ("", "sync", "sync:2", "waitForTaskToken")},
        "StepFunctions",
        "AWSStepFunctions",
        "AWSStepFunctionsException",
        "Exception",
    ),
}


@lru_cache(maxsize=16)
def model_of(service: str) -> Any:
    """The model of a service in botocore (a key of `SERVICES`)."""
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    name = SERVICES[service].model
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


def service_of(resource: Resource) -> str:
    """The key of `SERVICES` that a resource belongs to."""
    sdk, _, name = resource.service.partition(":")
    return name if sdk == "aws-sdk" else OPTIMISED[resource.service].service


def operation_of(service: str, action: str) -> Any:
    """The model of an action (`putItem`) in botocore, or None when the service has none of this name."""
    model, name = model_of(service), upper(action)
    return model.operation_model(name) if name in model.operation_names else None


def upper(name: str) -> str:
    """A name as Step Functions writes it."""
    return name[:1].upper() + name[1:]


def error_class(service: str, code: str) -> str | None:
    """The name of the error that a service's model has for a code, or None."""
    shape = model_of(service).shape_for_error_code(code)
    return None if shape is None else str(shape.name)
