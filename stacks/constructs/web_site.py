"""The web site: a private bucket behind CloudFront, with the API below `/api/` of the same host."""

from dataclasses import dataclass
from typing import Any, Final, Self

from aws_cdk import Aws, Duration, Fn, RemovalPolicy
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_s3 as s3
from constructs import Construct, Node

from edgetrain.errors import UsageError
from stacks.nag import acknowledge

#: The page that `/` answers.
INDEX: Final = "index.html"
#: What goes to the API: its stage is called so, and the path is handed on as it is.
API_PATHS: Final = "/api/*"
#: As long as API Gateway takes at most.
API_TIMEOUT: Final = Duration.seconds(30)
ABANDONED_UPLOAD: Final = Duration.days(1)
#: CloudFront keeps answers of these kinds for ten seconds, of the API's too, unless it is told otherwise.
NOT_KEPT: Final = (400, 403, 404, 405, 414, 500, 501, 502, 503, 504)
TWO_YEARS: Final = Duration.days(730)

PRICE_CLASSES: Final = {
    "100": cloudfront.PriceClass.PRICE_CLASS_100,
    "200": cloudfront.PriceClass.PRICE_CLASS_200,
    "all": cloudfront.PriceClass.PRICE_CLASS_ALL,
}

#: The camera is the site's own; nothing else of a device is asked for.
PERMISSIONS: Final = "camera=(self), microphone=(), geolocation=(), payment=(), usb=()"

NO_ACCESS_LOGS: Final = (
    "the bucket holds what `edgetrain web publish` built from public source, and CloudFront is its only reader; who needs an "
    "audit trail turns on CloudTrail's data events for the account."
)
REASONS: Final = {
    "AwsSolutions-CFR1": "Edgetrain is for people anywhere; nothing of it is restricted to countries.",
    "AwsSolutions-CFR2": (
        "a web ACL costs by the month while nobody comes: the site is static files, and the API behind it has its own "
        "throttling and authoriser. Who needs one attaches it to the distribution."
    ),
    "AwsSolutions-CFR3": (
        "access logs would need a bucket with ACLs that grows for ever; CloudFront's metrics are there without it, and the "
        "API's calls are in the functions' logs."
    ),
}
OWN_CERTIFICATE: Final = (
    "without a domain of the user's (-c web_domain=... -c web_certificate=...) the site has CloudFront's own certificate, for which "
    "CloudFront chooses the oldest protocol itself; browsers negotiate TLS 1.3, and HSTS keeps them on TLS."
)


@dataclass(frozen=True, kw_only=True)
class WebSettings:
    """What the context says of the site.

    `-c web_price_class=100|200|all` (100 when it is silent: North America and Europe, the cheapest);
    `-c web_domain=NAME -c web_certificate=ARN`, together: a name of the user's own, with a certificate in us-east-1.
    """

    price_class: cloudfront.PriceClass
    domain: str | None
    certificate: str | None

    @classmethod
    def of(cls, node: Node) -> Self:
        """Read the context.

        Raises:
            UsageError: an unknown price class, or a domain without a certificate.
        """
        price_class = str(node.try_get_context("web_price_class") or "100")
        if price_class not in PRICE_CLASSES:
            raise UsageError(f"web_price_class is {price_class!r}: expected one of {', '.join(PRICE_CLASSES)}")
        domain, certificate = node.try_get_context("web_domain"), node.try_get_context("web_certificate")
        if bool(domain) != bool(certificate):
            raise UsageError("web_domain and web_certificate (an ARN of ACM in us-east-1) belong together: give both")
        return cls(price_class=PRICE_CLASSES[price_class], domain=domain or None, certificate=certificate or None)


class WebSite(Construct):
    """Bucket, distribution and headers. `url` has no slash at its end.

    The API must not refer to the distribution (its origin is the API: that would be a cycle). Page and API share an
    origin, so that the API needs no CORS for this page.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, api_host: str, sign_in_url: str, models: s3.IBucket
    ) -> None:
        """Make the site.

        Args:
            scope: the stack.
            construct_id: its name there.
            api_host: the API's own host, `ID.execute-api.REGION.amazonaws.com`, whose stage is called `api`.
            sign_in_url: `https://DOMAIN.auth.REGION.amazoncognito.com`: the page asks it for tokens.
            models: presigned downloads of the page come from here.
        """
        super().__init__(scope, construct_id)
        settings = WebSettings.of(self.node)
        self.bucket = self._bucket()
        headers = self._headers(connects_to=[sign_in_url, *_origins_of(models)])
        self.distribution = self._distribution(settings, api_host, headers)
        self.url = f"https://{settings.domain or self.distribution.distribution_domain_name}"

    def _bucket(self) -> s3.Bucket:
        """Private like the others; deleted with the stack once it is empty (`edgetrain web remove`), for all in it can be built again."""
        bucket = s3.Bucket(
            self,
            "Bucket",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[
                s3.LifecycleRule(id="AbandonedUploads", abort_incomplete_multipart_upload_after=ABANDONED_UPLOAD)
            ],
            removal_policy=RemovalPolicy.DESTROY,
        )
        acknowledge(bucket, {"AwsSolutions-S1": NO_ACCESS_LOGS})
        return bucket

    def _distribution(
        self, settings: WebSettings, api_host: str, headers: cloudfront.ResponseHeadersPolicy
    ) -> cloudfront.Distribution:
        access = cloudfront.S3OriginAccessControl(
            self, "AccessControl", origin_access_control_name=_account_wide_name("site")
        )
        own_name: dict[str, Any] = {}
        if settings.domain and settings.certificate:
            own_name = {
                "domain_names": [settings.domain],
                "certificate": acm.Certificate.from_certificate_arn(self, "Certificate", settings.certificate),
            }
        distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment="Edgetrain: the web app and its API",
            default_root_object=INDEX,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
            price_class=settings.price_class,
            error_responses=[
                cloudfront.ErrorResponse(http_status=status, ttl=Duration.seconds(0)) for status in NOT_KEPT
            ],
            # How long a file may be kept is in the file's own Cache-Control (edgetrain/client/publishing.py).
            default_behavior=cloudfront.BehaviorOptions(
                origin=origins.S3BucketOrigin.with_origin_access_control(self.bucket, origin_access_control=access),
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
                allowed_methods=cloudfront.AllowedMethods.ALLOW_GET_HEAD,
                cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
                response_headers_policy=headers,
                compress=True,
            ),
            additional_behaviors={
                API_PATHS: cloudfront.BehaviorOptions(
                    origin=origins.HttpOrigin(
                        api_host,
                        protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
                        origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
                        read_timeout=API_TIMEOUT,
                    ),
                    viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
                    allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
                    cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
                    origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
                    response_headers_policy=headers,
                    compress=False,  # CloudFront compresses only what it may keep
                )
            },
            **own_name,
        )
        reasons = REASONS if own_name else {**REASONS, "AwsSolutions-CFR4": OWN_CERTIFICATE}
        acknowledge(distribution, reasons)
        return distribution

    def _headers(self, *, connects_to: list[str]) -> cloudfront.ResponseHeadersPolicy:
        """What every answer tells the browser to refuse."""
        header = cloudfront.ResponseCustomHeader
        return cloudfront.ResponseHeadersPolicy(
            self,
            "Headers",
            response_headers_policy_name=_account_wide_name("site"),
            comment="Edgetrain: the web app's security headers",
            security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
                content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
                    content_security_policy=content_security_policy(connects_to), override=True
                ),
                content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
                referrer_policy=cloudfront.ResponseHeadersReferrerPolicy(
                    referrer_policy=cloudfront.HeadersReferrerPolicy.NO_REFERRER, override=True
                ),
                strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
                    access_control_max_age=TWO_YEARS, include_subdomains=True, override=True
                ),
            ),
            custom_headers_behavior=cloudfront.ResponseCustomHeadersBehavior(
                custom_headers=[
                    header(header="Permissions-Policy", value=PERMISSIONS, override=True),
                    header(header="Cross-Origin-Opener-Policy", value="same-origin", override=True),
                    header(header="Cross-Origin-Resource-Policy", value="same-origin", override=True),
                ]
            ),
        )


def content_security_policy(connects_to: list[str]) -> str:
    """What the page may load and ask: itself and `connects_to`; of the unusual, only that WebAssembly may be compiled."""
    directives = {
        "default-src": ["'self'"],
        "script-src": ["'self'", "'wasm-unsafe-eval'"],
        "worker-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "connect-src": ["'self'", *connects_to],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'none'"],
    }
    return "; ".join(" ".join([name, *sources]) for name, sources in directives.items())


def _origins_of(bucket: s3.IBucket) -> list[str]:
    """The hosts that presigned URLs of a bucket have: SDKs take the one or the other."""
    return [
        f"https://{bucket.bucket_name}.s3.{Aws.REGION}.amazonaws.com",
        f"https://{bucket.bucket_name}.s3.amazonaws.com",
    ]


def _account_wide_name(what: str) -> str:
    """A name for what must have one that is the account's only: CloudFront knows no regions and no stacks."""
    return Fn.join("-", [Aws.STACK_NAME, Aws.REGION, what])
