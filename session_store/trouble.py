"""What is wrong with a Redis, in words that name what to do; what OpenSSL and Redis say themselves is for experts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from redis.exceptions import AskError, ClusterDownError, MovedError, NoPermissionError

from .address import Kind
from .config import Config
from .errors import StoreUnavailable
from .link import LOST


@dataclass(frozen=True)
class Trouble:
    """A kind of trouble.

    Attributes:
        sign: what the error's text is searched for.
        problem: in words; ``{0}`` is what the sign's group has found, ``{user}`` the ACL user.
        remedy: what to do about it.
        tls: for TLS alone; False: for connections in the clear alone; None: for both.
    """

    sign: str
    problem: str
    remedy: str
    tls: bool | None = None


_ISSUER = "self-signed certificate|unable to get (?:local )?issuer|unable to verify the first"

TROUBLES = (
    Trouble("certificate has expired", "its certificate has expired", "renew it on the server"),
    Trouble("certificate is not yet valid", "its certificate is not valid yet", "compare the clocks of both machines"),
    Trouble(
        "mismatch, certificate is not valid for '(.*?)'",
        "its certificate is for another host than {0}",
        "name it in WIKI_REDIS_URL as its certificate does, or have it certified for that name",
    ),
    Trouble(
        _ISSUER,
        "its certificate is signed by nobody who is trusted here",
        "give the CA's certificate after WIKI_REDIS_URL's ? as ssl_ca_certs=/path/to/ca.pem",
    ),
    Trouble("CERTIFICATE_VERIFY_FAILED\\W*(.*?)(?: \\(_ssl|$)", "its certificate is not accepted: {0}", "renew it"),
    Trouble(
        "(?i)alert certificate required|alert handshake failure|EOF occurred|reset by peer|broken pipe|closed by",
        "it ends the connection; perhaps it wants a client's certificate",
        "give one after WIKI_REDIS_URL's ?, as ssl_certfile=…&ssl_keyfile=…, that is signed by a CA the server trusts",
        tls=True,
    ),
    Trouble(
        "(?i)alert (?:unknown ca|bad certificate|certificate (?:expired|unknown|revoked)|access denied)",
        "it does not accept our client certificate",
        "have ssl_certfile signed by a CA that the server trusts",
        tls=True,
    ),
    Trouble(
        "(?i)alert protocol version|unsupported protocol|no shared cipher|alert insufficient security",
        "it and we have no version of TLS, or no cipher, in common",
        "compare ssl_min_version and ssl_ciphers with the server's tls-protocols and tls-ciphers",
        tls=True,
    ),
    Trouble(
        "Timeout connecting|WRONG_VERSION_NUMBER|(?i:record layer failure)|UNKNOWN_PROTOCOL",
        "it does not answer the TLS handshake",
        "if it speaks no TLS at this port, name its tls-port in WIKI_REDIS_URL, or begin that with redis:// or redis+…",
        tls=True,
    ),
    Trouble(
        "(?i)reset by peer|closed by (?:server|peer)",
        "it closes the connection",
        "it may just have ended; if it speaks TLS at this port, begin WIKI_REDIS_URL with rediss:// or rediss+…",
        tls=False,
    ),
    Trouble(
        "WRONGPASS|invalid username-password|(?i:invalid username or password)",
        "it refuses the password of {user}, or knows no such user",
        "compare WIKI_REDIS_URL and WIKI_REDIS_PASSWORD_FILE with its ACL LIST",
    ),
    Trouble(
        "NOAUTH|already authenticated|(?i:authentication required)",
        "it wants a password",
        "name the user in WIKI_REDIS_URL, and the file with the password in WIKI_REDIS_PASSWORD_FILE",
    ),
    Trouble(
        "has no permissions to run the '(.*?)' command",
        "{user} may not run {0}",
        "wiki-worker check says which line of the ACL is missing",
    ),
    Trouble(
        "(?i)no permissions? to access|executing the script can't",  # the latter is Redis 6.2's
        "{user} may not do that to keys or channels of this prefix",
        "wiki-worker check says which line of the ACL is missing",
    ),
    Trouble(
        "No master found for '.*?' :.*auth:AuthenticationError",  # redis-py's classes of errors; it tells no more
        "the Sentinels want a password, or another one",
        "give it after WIKI_REDIS_URL's ?, as sentinel_password=…, with sentinel_username=… where they have users",
    ),
    Trouble(
        "unknown command '?SENTINEL",
        "it is a server, and no Sentinel",
        "name the Sentinels' ports in WIKI_REDIS_URL, such as 26379, or begin that with redis:// or redis+cluster://",
    ),
    Trouble(
        "unknown command '?(?:EVALSHA|SMEMBERS|TIME)\\b|Command '.*?' not found",
        "it knows no command that keeps sessions; perhaps it is a Sentinel",
        "if so, begin WIKI_REDIS_URL with redis+sentinel://, and name the service that it watches",
    ),
    Trouble(
        "DB index is out of range",
        "it has no database of that number",
        "name another one at the end of WIKI_REDIS_URL, or raise databases in redis.conf",
    ),
    Trouble(
        "No master found for '(.*?)' :",
        "no Sentinel answers that knows {0}",
        "start the Sentinels, or compare WIKI_REDIS_URL with where they are and what they watch",
    ),
    Trouble(
        "No master found for '(.*?)'",
        "the Sentinels know no service {0}, or no primary of it that is up",
        "compare its name in WIKI_REDIS_URL with what SENTINEL MASTERS says",
    ),
    Trouble(
        "Redis Cluster cannot be connected.*?: (?!.*[Cc]luster (?:mode|support))(.*)",
        "none of its nodes answers ({0})",
        "start them, or name others in WIKI_REDIS_URL",
    ),
    Trouble(
        "none of its nodes has answered in time",
        "none of its nodes has answered in time",
        "start them, or name others in WIKI_REDIS_URL; where they speak no TLS, begin that with redis+cluster://",
        tls=True,
    ),
    Trouble(
        "none of its nodes has answered in time",
        "none of its nodes has answered in time",
        "start them, or name others in WIKI_REDIS_URL",
    ),
    Trouble(
        "(?i)cluster mode is not enabled|cluster support disabled",
        "it is no cluster",
        "begin WIKI_REDIS_URL with redis:// or rediss://, or where Sentinels are with redis+sentinel://",
    ),
    Trouble(
        'Slot "(\\d+)" not covered',
        "no node of the cluster has slot {0}",
        "redis-cli --cluster check says which nodes are missing; sessions in other slots go on",
    ),
    Trouble(
        "(?i)cluster is down|hash slot not served|cluster without|CLUSTERDOWN",
        "the cluster is down: nodes are missing, or a failover is under way",
        "redis-cli --cluster check says which",
    ),
    Trouble(
        "MOVED \\d+|don't hash to the same slot",
        "it is a node of a cluster, and another one has that key",
        "begin WIKI_REDIS_URL with redis+cluster:// or rediss+cluster://",
    ),
    Trouble(
        "(?i)rehashing of slot|TRYAGAIN|TTL exhausted|^ASK \\d+|non local key",
        "that slot is on the move from one node to another",
        "it goes on when the move is done",
    ),
    Trouble(
        "(?i)read.?only replica|previous master is now a slave",
        "it is a replica, which takes no writes",
        "name its primary in WIKI_REDIS_URL, or the Sentinels that know it: redis+sentinel://",
    ),
    Trouble(
        "NOREPLICAS",
        "too few replicas follow it, and its min-replicas-to-write forbids writing then",
        "INFO replication says which follow; start the others",
    ),
    Trouble(
        "(?i)unknown command.{0,5}HELLO|NOPROTO",
        "it speaks an older protocol",
        "add protocol=2 after WIKI_REDIS_URL's ?",
    ),
)


def unavailable(config: Config, error: Exception, node: str = "") -> StoreUnavailable:
    """Return what to raise for an error of redis-py; `node`: which node of a cluster it was."""
    address = config.address
    server = node or address.name
    said = _words(address.kind, error)
    lost = isinstance(error, (*LOST, ClusterDownError))
    for trouble in TROUBLES:
        found = re.search(trouble.sign, said) if trouble.tls in {None, address.encrypted} else None
        if found:
            user = f"user {address.user!r}" if address.user else "the default user"
            problem = trouble.problem.format(*found.groups(), user=user)
            return StoreUnavailable(server, problem, remedy=trouble.remedy, lost=lost)
    return StoreUnavailable(server, said, lost=lost)


def _words(kind: Kind, error: Exception) -> str:
    refusal = _refusal(error)
    if refusal:
        return refusal
    if not isinstance(error, AskError):
        return str(error) or type(error).__name__
    # Who speaks to a cluster has looked where the slot is now; it is on the way.
    return f"{'MOVED' if isinstance(error, MovedError) and kind is not Kind.CLUSTER else 'ASK'} {error}"


def _refusal(error: BaseException | None) -> str:
    """Return what a node has refused to say, behind an error: redis-py takes that for a node without cluster mode."""
    while error is not None and not isinstance(error, NoPermissionError):
        error = error.__cause__ or error.__context__
    return str(error) if error else ""
