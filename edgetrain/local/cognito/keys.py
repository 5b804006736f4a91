"""Keys that sign a pool's tokens: one pair for each pool, as long as the pool is there.

moto signs the tokens of `InitiateAuth` with one key for all pools of the world, and names it `dummy` in them. The key is an
attribute of its pool, so each pool is given one of its own: whatever moto signs from then on is signed with it, and the set
of public keys has it under both names. A token of one pool is never good in another.
"""

import re
import threading
from typing import Any, Final

from joserfc.jwk import KeySet, RSAKey

from edgetrain.local.place import ACCOUNT

KEY_BITS: Final = 2048
ALGORITHM: Final = "RS256"
#: What moto calls the key in the tokens that it makes itself.
MOTO_KEY_ID: Final = "dummy"
#: Where tokens say that they come from.
ISSUER: Final = re.compile(r"https://cognito-idp\.([a-z0-9-]+)\.amazonaws\.com/([\w-]+)")

_making = threading.Lock()


def issuer_of(pool: Any) -> str:
    """What a pool's tokens carry as `iss`."""
    return f"https://cognito-idp.{pool.region}.amazonaws.com/{pool.id}"


def signing_key(pool: Any) -> RSAKey:
    """The private key of moto's `pool`, which is made when it is first asked for."""
    with _making:
        key: RSAKey = pool.json_web_key
        if key.kid == MOTO_KEY_ID:
            key = RSAKey.generate_key(KEY_BITS, {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
            pool.json_web_key = key
    return key


def key_set(pool: Any) -> KeySet:
    """The public keys of a pool."""
    public = signing_key(pool).as_dict(private=False)
    return KeySet([RSAKey.import_key(public), RSAKey.import_key({**public, "kid": MOTO_KEY_ID})])


def public_keys(issuer: str) -> KeySet | None:
    """The keys that verify tokens of `issuer` (`https://cognito-idp.REGION.amazonaws.com/POOL`).

    None where no pool of this cloud is that issuer.
    """
    from moto.cognitoidp.models import cognitoidp_backends

    found = ISSUER.fullmatch(issuer)
    if found is None:
        return None
    region, pool_id = found.groups()
    backends = cognitoidp_backends[ACCOUNT]
    pool = backends[region].user_pools.get(pool_id) if region in backends else None
    return None if pool is None else key_set(pool)
