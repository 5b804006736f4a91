"""Who may use the API: a user pool, the scopes that it knows, and the address of its sign-in page. People's accounts outlive the rest."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aws_cdk import Aws, CfnOutput, Duration, Fn, RemovalPolicy, Stack
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from edgetrain.errors import UsageError
from stacks.nag import acknowledge

#: The resource server's name: a scope is written `edgetrain/detect`.
RESOURCE_SERVER: Final = "edgetrain"
#: Scope -> what it lets its owner do.
SCOPES: Final[dict[str, str]] = {
    "detect": "Have things found in pictures; read labels and models",
    "contribute": "Give pictures to learn from",
    "admin": "Everything that the API offers",
}
#: `-c sign_in_domain=...` takes the place of the prefix that is made of account and stack.
DOMAIN_SETTING: Final = "sign_in_domain"
DOMAIN: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
#: Cognito refuses prefixes with these words in them.
RESERVED: Final = ("aws", "amazon", "cognito")

MFA_REASON: Final = (
    "a second factor (TOTP) is each person's choice: a classroom or a fleet's installers sign in on phones that are passed "
    "on; who wants it for all sets mfa to REQUIRED here"
)
THREAT_PROTECTION_REASON: Final = (
    "threat protection needs the feature plan PLUS, which is paid for by every active user; nobody can sign up by "
    "themselves, passwords are long, and Cognito locks out guessing without it"
)
PLAN_REASON: Final = (
    "the feature plan is LITE on purpose: PLUS is the price of threat protection alone, and the rest of what it has over LITE "
    "(branding, passkeys, changed tokens) nothing here uses"
)
REASONS: Final = {
    "AwsSolutions-COG2": MFA_REASON,
    "AwsSolutions-COG3": THREAT_PROTECTION_REASON,
    "AwsSolutions-COG8": PLAN_REASON,
}


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a stack that lets people in is handed. `scopes` are by their short names: `detect`, `contribute`, `admin`."""

    pool: cognito.IUserPool
    domain: cognito.UserPoolDomain
    resource_server: cognito.IUserPoolResourceServer
    scopes: Mapping[str, cognito.ResourceServerScope]


class IdentityStack(Stack):
    """The user pool, its resource server and its domain. Outputs: `UserPoolId`, `SignInUrl`."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        """Make the stack; `-c sign_in_domain=PREFIX` chooses the sign-in page's host.

        Raises:
            UsageError: the prefix is none that Cognito takes.
        """
        super().__init__(scope, construct_id, description="Edgetrain: people, machine users and their scopes")
        pool = self._pool()
        scopes = {
            name: cognito.ResourceServerScope(scope_name=name, scope_description=about)
            for name, about in SCOPES.items()
        }
        server = pool.add_resource_server("Api", identifier=RESOURCE_SERVER, scopes=list(scopes.values()))
        domain = pool.add_domain(
            "SignIn",
            cognito_domain=cognito.CognitoDomainOptions(domain_prefix=self._domain_prefix()),
            managed_login_version=cognito.ManagedLoginVersion.CLASSIC_HOSTED_UI,
        )
        self.identity = Identity(pool=pool, domain=domain, resource_server=server, scopes=scopes)
        CfnOutput(self, "UserPoolIdOutput", value=pool.user_pool_id).override_logical_id("UserPoolId")
        CfnOutput(self, "SignInUrlOutput", value=domain.base_url()).override_logical_id("SignInUrl")

    def _pool(self) -> cognito.UserPool:
        """Nobody signs up: people are invited (`edgetrain users invite`).

        Feature plan LITE: it has all that is used here (the classic sign-in page, scopes of our own, client credentials,
        TOTP). ESSENTIALS, AWS's default, costs nearly three times as much for each active user past the free ones and
        would add branding, passkeys and changing access tokens by a function.
        """
        pool = cognito.UserPool(
            self,
            "People",
            self_sign_up_enabled=False,
            sign_in_aliases=cognito.SignInAliases(username=True, email=True),
            sign_in_case_sensitive=False,
            auto_verify=cognito.AutoVerifiedAttrs(email=True),
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            password_policy=cognito.PasswordPolicy(
                min_length=12,
                require_lowercase=True,
                require_uppercase=True,
                require_digits=True,
                require_symbols=True,
                temp_password_validity=Duration.days(3),
            ),
            mfa=cognito.Mfa.OPTIONAL,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            feature_plan=cognito.FeaturePlan.LITE,
            deletion_protection=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
        acknowledge(pool, REASONS)
        return pool

    def _domain_prefix(self) -> str:
        """The first label of the sign-in page's host, which is one name in a region for all the world.

        Account and stack id make it unique, equal in every deployment of this stack, and new in the stack's next life.
        """
        chosen = self.node.try_get_context(DOMAIN_SETTING)
        if chosen is not None:
            return checked_domain(str(chosen))
        life = Fn.select(0, Fn.split("-", Fn.select(2, Fn.split("/", Aws.STACK_ID))))
        return Fn.join("-", [RESOURCE_SERVER, Aws.ACCOUNT_ID, life])


def checked_domain(prefix: str) -> str:
    """The prefix as given.

    Raises:
        UsageError: Cognito would refuse it.
    """
    if not DOMAIN.fullmatch(prefix) or any(word in prefix for word in RESERVED):
        raise UsageError(
            f"{DOMAIN_SETTING} is {prefix!r}: expected 1 to 63 lower-case letters, digits and inner hyphens, without the "
            f"words {', '.join(RESERVED)}"
        )
    return prefix
