"""Which version answers: promoted, rolled back, and through any deployment."""

import pytest

from edgetrain import keys
from edgetrain.errors import PromotionFailed
from tests.integration.cli.conftest import Shell
from tests.integration.serving.conftest import under_load


@pytest.fixture(autouse=True)
def first_day(served):
    yield
    served.promote(1)
    served.forget_promotions()


@pytest.fixture(scope="module")
def second(served):
    """Version 2 tells more: its lowest score is lower."""
    return served.publish(2, lambda described: described.update(min_score=0.1))


def replace_everything(number: int):
    """What a new image or another first model does: another Model and EndpointConfig."""

    def change(resources):
        for each in resources.values():
            if each["Type"] == "AWS::SageMaker::Model":
                each["Properties"]["PrimaryContainer"]["Environment"]["DEPLOYMENT"] = str(number)
            if each["Type"] == "AWS::SageMaker::EndpointConfig":
                (variant,) = each["Properties"]["ProductionVariants"]
                variant["ServerlessConfig"]["MemorySizeInMB"] = {1: 1024, 2: 2048}[number]

    return change


def test_no_deployment_brings_an_older_model_back(served, second, photograph):
    assert served.invoke(photograph)["version"] == "1"
    assert served.promote(2).previous is None
    told = served.invoke(photograph)
    assert told["version"] == "2"
    assert len(told["prediction"]) > 1
    for number in (1, 2):
        configs = {each["EndpointConfigName"] for each in served.sagemaker.list_endpoint_configs()["EndpointConfigs"]}
        assert served.deploy(replace_everything(number)) == "UPDATE_COMPLETE"
        current = served.sagemaker.describe_endpoint(EndpointName=served.endpoint)["EndpointConfigName"]
        assert current not in configs, "the deployment has replaced what promotion had made"
        assert served.invoke(photograph)["version"] == "2"
    assert served.promote(1).previous == 2
    told = served.invoke(photograph)
    assert (told["version"], len(told["prediction"])) == ("1", 1)


def test_requests_during_a_promotion_are_all_answered(served, second, photograph):
    with under_load(served, photograph) as load:
        served.promote(2)
    assert load.errors == []
    assert load.versions[0] == "1"
    assert load.versions[-1] == "2"
    assert set(load.versions) == {"1", "2"}


def test_a_version_that_does_not_come_up_changes_nothing(served, second, photograph):
    served.promote(2)
    served.publish(3, lambda described: described.update(task=7))
    before = served.models.get(keys.served_pointer("objects"))
    with under_load(served, photograph) as load, pytest.raises(PromotionFailed, match=r"detector\.json"):
        served.promote(3)
    assert load.errors == []
    assert set(load.versions) == {"2"}
    assert served.models.get(keys.served_pointer("objects")) == before
    assert served.invoke(photograph)["version"] == "2"


def test_the_command(cloud, api):
    """On the whole application; version 1 is what is served there anyway."""
    told = Shell(cloud.data_dir).json("models", "promote", "objects", "--version", "1")
    assert (told["task"], told["version"], told["previous_version"]) == ("objects", 1, None)
    status = cloud.connection.client("sagemaker").describe_endpoint(EndpointName=told["endpoint"])
    assert status["EndpointStatus"] == "InService"
    assert "-v1-" in status["EndpointConfigName"]
