"""What all alarms share, and those of the API: it answers with errors, it is slow, its busiest function fails or is held back."""

from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

PERIOD: Final = Duration.minutes(5)
#: Answers 5xx in one period. A single one may be an endpoint that just woke up.
SERVER_ERRORS: Final = 5
#: Milliseconds; a serverless endpoint's first answer after an idle hour takes some seconds, once.
SLOW_MS: Final = 10_000
SLOW_PERIODS: Final = 3


def add_alarm(
    scope: Construct, construct_id: str, metric: cloudwatch.IMetric, threshold: float, about: str, *, periods: int
) -> cloudwatch.Alarm:
    """An alarm once `metric` is at `threshold` or above for so many periods; that nothing is measured is no reason."""
    return cloudwatch.Alarm(
        scope,
        construct_id,
        metric=metric,
        threshold=threshold,
        evaluation_periods=periods,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        alarm_description=f"Edgetrain: {about}",
    )


class ApiAlarms(Construct):
    """Four alarms, told to `topic_arn` if there is one.

    The other functions have none of their own: when one fails, API Gateway's answer is a 5xx, which is counted here. So
    alarms stay within the ten that cost nothing.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: apigateway.HttpStage,
        detect: lambda_.Function,
        topic_arn: str | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._topic = sns.Topic.from_topic_arn(self, "Topic", topic_arn) if topic_arn else None
        self._alarm(
            "ServerErrors",
            stage.metric_server_error(period=PERIOD, statistic="Sum"),
            SERVER_ERRORS,
            f"the API answered 5xx {SERVER_ERRORS} times or more within five minutes: see the functions' logs",
        )
        self._alarm(
            "Latency",
            stage.metric_latency(period=PERIOD, statistic="p99"),
            SLOW_MS,
            "one request in a hundred took longer than ten seconds, for a quarter of an hour: look at the endpoint",
            periods=SLOW_PERIODS,
        )
        self._alarm(
            "DetectErrors",
            detect.metric_errors(period=PERIOD, statistic="Sum"),
            1,
            "DetectObjects raised, ran out of memory or out of time: see its log",
        )
        self._alarm(
            "DetectThrottles",
            detect.metric_throttles(period=PERIOD, statistic="Sum"),
            1,
            "DetectObjects was held back: the account's limit of concurrent executions is reached",
        )

    def _alarm(
        self, construct_id: str, metric: cloudwatch.IMetric, threshold: float, about: str, *, periods: int = 1
    ) -> None:
        alarm = add_alarm(self, construct_id, metric, threshold, about, periods=periods)
        if self._topic is not None:
            alarm.add_alarm_action(actions.SnsAction(self._topic))
