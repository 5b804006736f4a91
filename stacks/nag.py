"""cdk-nag in every synth, and each exception to it with its reason beside it."""

from collections.abc import Iterable, Mapping

from aws_cdk import Acknowledgment, Validations
from cdk_nag import AwsSolutionsChecks
from constructs import IConstruct


def check(app: IConstruct) -> None:
    """Fail the synth on a finding of AWS's solutions rules that nobody gave a reason for."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept findings (rule, or `rule[finding]`) on one construct, each for a reason."""
    for finding, reason in reasons.items():
        Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))


def acknowledge_resources(construct: IConstruct, resources: Iterable[str], reason: str) -> None:
    """Accept statements on resources with a `*`, each spelled as cdk-nag spells it; the others need no reason."""
    findings = sorted({resource for resource in resources if "*" in resource})
    acknowledge(construct, {f"AwsSolutions-IAM5[Resource::{resource}]": reason for resource in findings})
