"""Alarms of CloudWatch."""

from collections.abc import Mapping
from typing import Any, Final

from edgetrain.local.cloudformation.providers.base import ServiceProvider
from edgetrain.local.cloudformation.resources import Declared, Made, Resource
from edgetrain.local.place import ACCOUNT, PARTITION, REGION

NUMBERS: Final = {
    **dict.fromkeys(("DatapointsToAlarm", "EvaluationPeriods", "Period"), int),
    "Threshold": float,
}


class AlarmProvider(ServiceProvider):
    """`AWS::CloudWatch::Alarm`."""

    kind = "AWS::CloudWatch::Alarm"
    service = "cloudwatch"
    named_by = "AlarmName"
    immutable = frozenset({"AlarmName"})
    properties = frozenset(
        {
            *(
                "AlarmName",
                "AlarmDescription",
                "ActionsEnabled",
                "AlarmActions",
                "OKActions",
                "InsufficientDataActions",
            ),
            *("ComparisonOperator", "DatapointsToAlarm", "Dimensions", "EvaluateLowSampleCountPercentile"),
            *("EvaluationPeriods", "ExtendedStatistic", "MetricName", "Metrics", "Namespace", "Period", "Statistic"),
            *("Tags", "Threshold", "ThresholdMetricId", "TreatMissingData", "Unit"),
        }
    )

    def create(self, declared: Declared) -> Made:
        return self._put(declared.properties.get("AlarmName", declared.name), declared.properties)

    def update(self, standing: Resource, declared: Declared) -> Made:
        return self._put(standing.physical_id, declared.properties)

    def delete(self, standing: Resource) -> None:
        self.client.delete_alarms(AlarmNames=[standing.physical_id])

    def _put(self, name: str, properties: Mapping[str, Any]) -> Made:
        settings = {key: NUMBERS[key](value) if key in NUMBERS else value for key, value in properties.items()}
        self.client.put_metric_alarm(**{**settings, "AlarmName": name})
        return Made(name, {"Arn": f"arn:{PARTITION}:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"})
