"""CloudFront: distributions as CloudFormation makes them, served on the cloud's second listener.

What differs from AWS, because there is one machine here and no TLS: viewers come by plain HTTP and are not redirected, there is one
cache and no edge locations, and answers are compressed with gzip alone (browsers take Brotli over TLS only).
"""

from edgetrain.local.cloudfront.api import CloudFrontApi
from edgetrain.local.cloudfront.distributions import Distributions
from edgetrain.local.cloudfront.serving import WebApplication

__all__ = ["CloudFrontApi", "Distributions", "WebApplication"]
