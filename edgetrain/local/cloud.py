"""The embedded cloud, put together: moto, and in front of it what it leaves out."""

import json
import os
import shutil
import threading
from pathlib import Path
from typing import Final

from edgetrain.local.cloudformation import CloudFormationApi, Incarnations
from edgetrain.local.cloudformation.providers.cloudfront import cloudfront_providers
from edgetrain.local.cloudfront import CloudFrontApi, Distributions, WebApplication
from edgetrain.local.cognito import cognito_apis
from edgetrain.local.cognito.keys import public_keys
from edgetrain.local.dynamodb import DynamoDbApi
from edgetrain.local.ecr import EcrApi, Images
from edgetrain.local.front import Api, Front
from edgetrain.local.function_services import CloudServices
from edgetrain.local.functions import Executor
from edgetrain.local.http_api import PUBLIC, AccessLog, HttpApiControl, HttpApis
from edgetrain.local.lambda_api import LambdaApi
from edgetrain.local.loopback import Loopback
from edgetrain.local.moto_app import MotoApplication
from edgetrain.local.place import REGION
from edgetrain.local.public_hosts import PublicHosts
from edgetrain.local.s3 import S3Api
from edgetrain.local.sagemaker import Endpoints, SageMakerApi
from edgetrain.local.states_api import CloudIntegrations, StatesApi, find_state_machine
from edgetrain.local.stepfunctions import Engine, StepFunctionsApi

#: What ends with a cloud's process: bodies of objects, executions. Swept when the next one starts.
SCRATCH: Final = "scratch"
#: Unpacked packages, named by their content: any number of clouds may follow each other on them.
FUNCTIONS: Final = "functions"
#: Build contexts of container images, by their tags: in SCRATCH, for whoever deploys asks for them again.
IMAGES: Final = "images"
INCARNATIONS: Final = "incarnations.json"
#: Services that a deployment uses, in its order: boto3's name -> the name that signatures use.
DEPLOYS: Final = {
    "s3": "s3",
    "dynamodb": "dynamodb",
    "logs": "logs",
    "iam": "iam",
    "lambda": "lambda",
    "apigatewayv2": "apigateway",
    "cloudwatch": "monitoring",
    "stepfunctions": "states",
    "sts": "sts",
    "cognito-idp": "cognito-idp",
    "ecr": "ecr",
    "sagemaker": "sagemaker",
}


class EmbeddedCloud:
    """One cloud on one data directory. One a process: moto's back ends are the process's own."""

    def __init__(self, data_dir: Path, endpoint: str, web: str) -> None:
        """Make it ready to answer: `application` at `endpoint`, where its functions will find it, `web` at the URL `web`."""
        scratch = data_dir / SCRATCH
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        moto = self._moto = MotoApplication()
        self.application = Front(moto, json.dumps({"pid": os.getpid()}).encode())
        clients = self._clients = Loopback(self.application)
        s3 = S3Api(moto, scratch / "objects")
        services = CloudServices(clients)
        self._executor = Executor(
            services,
            scratch=data_dir / FUNCTIONS,
            endpoint_url=endpoint,
            region=REGION,
            running_at_once=max(2, os.cpu_count() or 1),
        )
        self._engine = Engine(scratch / "executions.sqlite", CloudIntegrations(self._executor, s3, clients.client))
        states = StatesApi(moto, StepFunctionsApi(self._engine, find_state_machine))
        distributions = Distributions()
        formation = CloudFormationApi(
            clients,
            Incarnations(data_dir / INCARNATIONS),
            s3.read,
            PublicHosts(endpoint=endpoint, web=web).localise,
            cloudfront_providers(distributions),
        )
        images = Images(scratch / IMAGES)
        self._endpoints = Endpoints(services, images, s3.read, scratch=scratch / "endpoints", endpoint_url=endpoint)
        self._http_apis = HttpApis(self._executor, public_keys, AccessLog(services.put_log_events))
        self.application.serve_public(PUBLIC, self._http_apis)
        self.web = WebApplication(distributions, s3, self._http_apis)
        apis: dict[str, Api] = {
            "s3": s3,
            "dynamodb": DynamoDbApi(moto),
            "lambda": LambdaApi(moto, self._executor),
            "apigateway": HttpApiControl(moto),
            "states": states,
            "cloudformation": formation,
            "cloudfront": CloudFrontApi(moto, distributions),
            "ecr": EcrApi(moto, images),
            "sagemaker": SageMakerApi(moto, self._endpoints),
        }
        apis["cognito-idp"], public = cognito_apis(moto, clients)
        for service, api in apis.items():
            self.application.serve(service, api)
        for path, api in public.items():
            self.application.serve_public(path, api)

    def warm_up(self) -> None:
        """Load, in a thread, what a deployment will need first: services' models take a second in all."""
        threading.Thread(target=self._warm_up, name="warm-up", daemon=True).start()

    def _warm_up(self) -> None:
        for name, signing_name in DEPLOYS.items():
            self._clients.client(name)
            self._moto.warm_up(signing_name)

    def close(self) -> None:
        """Stop executions, functions and endpoints; afterwards no process of the cloud is left."""
        # In this order: closing the engine waits for the calls under way, which end with their functions.
        self._engine.halt()
        self._executor.close()
        self._endpoints.close()
        self._http_apis.close()
        self._engine.close()
