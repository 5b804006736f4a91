"""Limits of the services we run on, and of what we accept. Numbers live here, never as literals."""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# AWS Step Functions (service quotas, 2026).
STATE_PAYLOAD_BYTES: Final = 262_144
HISTORY_EVENTS: Final = 25_000
TASK_TOKEN_CHARACTERS: Final = 2048
REDRIVABLE_EVENTS: Final = 24_999  # an execution with so many events, or that ended so long ago, is not redriven
REDRIVABLE_SECONDS: Final = 14 * 86_400
EXECUTION_NAME_CHARACTERS: Final = 80
INLINE_MAP_CONCURRENCY: Final = 40
DISTRIBUTED_MAP_CONCURRENCY: Final = 10_000
STATE_MACHINE_DEFINITION_BYTES: Final = MIB
STATE_NAME_CHARACTERS: Final = 80
MAP_LABEL_CHARACTERS: Final = 40
STATE_SECONDS: Final = 99_999_999  # the longest wait, time-out or retry interval
ERROR_CHARACTERS: Final = 256
CAUSE_CHARACTERS: Final = 32_768
INTRINSIC_CHARACTERS: Final = 10_000
INTRINSIC_RANGE_LENGTH: Final = 1_000
EXECUTIONS_PAGE: Final = 1_000
DEFAULT_EXECUTIONS_PAGE: Final = 100

# AWS Lambda.
LAMBDA_SYNC_PAYLOAD_BYTES: Final = 6 * MIB
LAMBDA_ASYNC_PAYLOAD_BYTES: Final = MIB
LAMBDA_RESPONSE_BYTES: Final = LAMBDA_SYNC_PAYLOAD_BYTES + 100
LAMBDA_INIT_SECONDS: Final = 10
LAMBDA_VCPU_MB: Final = 1_769  # memory that comes with one vCPU
LAMBDA_LOG_TAIL_BYTES: Final = 4 * KIB
LAMBDA_LOG_EVENT_BYTES: Final = 256 * KIB
LAMBDA_EVENT_AGE_SECONDS: Final = 6 * 3_600
LAMBDA_TIMEOUT_SECONDS: Final = 900
LAMBDA_MEMORY_MB: Final = 10_240
LAMBDA_UNPACKED_BYTES: Final = 250 * MIB
LAMBDA_ENVIRONMENT_BYTES: Final = 4 * KIB

# Amazon S3: every part of a multipart upload but the last has at least this size.
S3_MINIMUM_PART_BYTES: Final = 5 * MIB

# Amazon API Gateway (HTTP APIs) and SageMaker.
HTTP_API_PAYLOAD_BYTES: Final = 10 * MIB
HTTP_API_HEADER_BYTES: Final = 10 * KIB  # of the request's first line and headers together
HTTP_API_TIMEOUT_SECONDS: Final = 30
HTTP_API_AUDIENCES: Final = 50  # app clients whose tokens one authoriser takes
SAGEMAKER_SERVERLESS_PAYLOAD_BYTES: Final = 4 * MIB
SAGEMAKER_SERVERLESS_SECONDS: Final = 60
SAGEMAKER_REALTIME_PAYLOAD_BYTES: Final = 25 * MIB
SAGEMAKER_MODEL_SECONDS: Final = 60

# A picture that is sent to have things found in it. As base64 it must fit into Lambda's payload.
PICTURE_BYTES: Final = 4_500_000
PICTURE_SIDE: Final = 4_096  # pixels
PICTURE_SCANS: Final = 50  # of a progressive JPEG: each costs a pass over all pixels, and usual files have ten
PICTURE_PARTS: Final = 5_000  # segments of a JPEG's header, chunks of a PNG: usual files have at most some hundreds
DETECTION_SIDE: Final = 1_024  # pixels: what a picture is scaled to before the endpoint sees it
DETECTION_SECONDS: Final = 25  # after that the caller is told to try again
MAX_DETECTIONS: Final = 100
MAX_INSTANCES: Final = 16  # pictures of one batch that the endpoint takes

# The serving container.
SERVING_SECONDS: Final = 20  # waiting and working, of one request; before DETECTION_SECONDS
SERVING_REQUESTS: Final = 32  # under way at once, the others are told to come again

# The API. Rates are requests a second over all callers; a burst is what may come at once.
API_RATE: Final = 100
API_BURST: Final = 200
DETECTION_RATE: Final = 50
DETECTION_BURST: Final = 100
OPENAPI_RATE: Final = 10
OPENAPI_BURST: Final = 20
API_FUNCTION_SECONDS: Final = HTTP_API_TIMEOUT_SECONDS - 2  # after DETECTION_SECONDS, before API Gateway gives up
PICTURE_NAME_CHARACTERS: Final = 255
S3_METADATA_BYTES: Final = 2 * KIB  # all user metadata of an object
DOWNLOAD_SECONDS: Final = 15 * 60  # how long a presigned address holds
VERSIONS_PAGE: Final = 100
DEFAULT_VERSIONS_PAGE: Final = 20

# What we accept of a file that somebody else wrote.
SAFETENSORS_HEADER_BYTES: Final = MIB
MAX_TENSORS: Final = 10_000
MAX_DIMENSIONS: Final = 32

# A run (edgetrain.contracts.RunInput).
MAX_ROUNDS: Final = 10_000
MAX_COHORT: Final = 10_000
MAX_ROUND_TIMEOUT_SECONDS: Final = LAMBDA_TIMEOUT_SECONDS - 30
MAX_EVALUATION_CLIENTS: Final = 1_000  # EvaluateModel looks at them one after the other
DEFAULT_MAX_ABS_DELTA: Final = 8.0
DEFAULT_MAX_EXAMPLES: Final = 2**20
