"""The web app as a client of the user pool: public, authorization code, nothing else."""

from collections.abc import Sequence
from typing import Final, cast

from aws_cdk import Duration
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from stacks.identity import Identity

#: What the web app asks for on a person's behalf. `admin` is for machine users.
WEB_SCOPES: Final = ("detect", "contribute")
ACCESS_FOR: Final = Duration.minutes(60)
#: How long a page that is left open may go on without another sign-in.
REFRESH_FOR: Final = Duration.days(1)


class WebClient(Construct):
    """An app client without a secret, for pages that prove by PKCE that a code is theirs.

    Cognito checks a code challenge where one is sent; it cannot be told to insist on one. The page always sends one.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        identity: Identity,
        callback_urls: Sequence[str],
        logout_urls: Sequence[str],
    ) -> None:
        """Make the client; the URLs are whole, with the slash at the end: they are compared as text."""
        super().__init__(scope, construct_id)
        ours = [
            cognito.OAuthScope.resource_server(identity.resource_server, identity.scopes[name]) for name in WEB_SCOPES
        ]
        self.client = cognito.UserPoolClient(
            self,
            "Client",
            user_pool=identity.pool,
            generate_secret=False,
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(
                    authorization_code_grant=True, implicit_code_grant=False, client_credentials=False
                ),
                scopes=[cognito.OAuthScope.OPENID, *ours],
                callback_urls=list(callback_urls),
                logout_urls=list(logout_urls),
            ),
            supported_identity_providers=[cognito.UserPoolClientIdentityProvider.COGNITO],
            prevent_user_existence_errors=True,
            enable_token_revocation=True,
            access_token_validity=ACCESS_FOR,
            id_token_validity=ACCESS_FOR,
            refresh_token_validity=REFRESH_FOR,
        )
        # Passwords are typed into the sign-in page and never pass through an API of the pool: what is left is refreshing.
        # The CDK leaves the list out when it is that short, and Cognito would then allow more.
        resource = cast(cognito.CfnUserPoolClient, self.client.node.default_child)
        resource.explicit_auth_flows = ["ALLOW_REFRESH_TOKEN_AUTH"]
        self.client_id = self.client.user_pool_client_id
