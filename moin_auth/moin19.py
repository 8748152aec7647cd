# -*- coding: utf-8 -*-
"""The auth method for MoinMoin 1.9: ``auth = [ExternalCookie(autocreate=True)]``.

This file stands alone: it runs on Python 2.7 and 3, and needs redis-py 3.5 or later and MoinMoin 1.9, nothing else.
What it repeats of the sessions' layout is held against `session_store` by tests.
"""

import contextlib
import errno
import fcntl
import hashlib
import hmac
import json
import os
import re
import tempfile
import time
import unicodedata
import zlib
from base64 import urlsafe_b64encode

import MoinMoin.auth
import MoinMoin.Page
import redis
from MoinMoin import error, log, security, user
from MoinMoin.auth import BaseAuth, LoginReturn
from MoinMoin.datastruct.backends import BaseGroup, BaseGroupsBackend
from MoinMoin.security import ACLStringIterator

try:
    from urllib.parse import quote, urlsplit  # novm
except ImportError:  # Python 2
    from urllib import quote  # novm

    from urlparse import urlsplit  # novm

try:
    from redis.backoff import NoBackoff
    from redis.retry import Retry
except ImportError:  # redis-py 3.5, which does not try again
    Retry = None

text_type = type("".encode("ascii").decode("ascii"))

_log = log.getLogger(__name__)

# ---- What sessions look like in Redis --------------------------------------------------------------------------------

#: The cookie's value: a shard's number, and what proves that the site has made it.
TOKEN = re.compile(r"(0|[1-9][0-9]{0,3})\.[A-Za-z0-9_-]{43}\Z")

#: What a link to log out is signed for.
LOGOUT_LABEL = b"django-moin-sso logout 1"

#: The scripts' names in Redis, where the site has put them. While Redis doesn't know them (it was restarted, or the
#: site is of another version), sessions are read without them, and ended by the site.
CHECK_SCRIPT = "3e4c63266948eb469ec74b561259414aae2dadba"
END_SCRIPT = "f2bfffc0484d89aae167ae7d381b55f4bee8b3d5"

#: Bits of a user id's CRC-32 that choose the set for the user's sids.
USER_BITS = 14

#: Seconds for which a Redis that did not answer is left alone.
PAUSE = 1.0

#: The last ms of the year 9999, since the epoch.
MAX_MS = 253402300799999


class Person(object):
    """Who a session belongs to, as its record says.

    Attributes:
        user_id: the site's id of the user; None: an old cookie names no id.
        groups: the names of the user's groups on the site, as far as the site tells them.
    """

    def __init__(self, user_id, name, email=u"", display_name=u"", groups=()):
        self.user_id = user_id
        self.name = name
        self.email = email
        self.display_name = display_name
        self.groups = frozenset(groups)


class Away(Exception):
    """Redis can't be asked, or its answer makes no sense."""


class Sessions(object):
    """Reads the sessions that the site keeps in Redis; whatever goes wrong is `Away`.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``.
        password_file: where the password is, if it is not in the URL.
        prefix: what every key begins with.
        shards: over how many hash tags users are spread.
        timeout: seconds, for connecting and for each answer.
    """

    def __init__(self, url, password_file, prefix, shards, timeout):
        self._url = url
        self._password_file = password_file
        self._prefix = prefix
        self._shards = shards
        self._timeout = timeout
        self._client = None
        self._quiet_until = 0.0

    def key(self, shard, name):
        """Spell a key."""
        return "%s:{%d}:%s" % (self._prefix, shard, name)

    def users_key(self, shard, user_id):
        """Spell the key of the set that keeps a user's sids."""
        number = (zlib.crc32(user_id.encode("utf-8")) & 0xFFFFFFFF) >> (32 - USER_BITS)
        return self.key(shard, "users:%d" % number)

    def person(self, token):
        """Return whose live session a token names, or None; its deadline is moved where that is due."""
        shard, sid = shard_of(token), sid_of(token)
        if shard >= self._shards:
            return None
        keys = [self.key(shard, name) for name in ("session:" + sid, "sessions", "records", "ended")]
        try:
            ttl, now, record = self._run(CHECK_SCRIPT, keys, [sid, "", "wiki"])[:3]
        except redis.exceptions.NoScriptError:
            ttl, now, record = self._read(keys[0], keys[2], sid)
        try:
            return _person(int(ttl), int(now), record)
        except (TypeError, ValueError, LookupError, AttributeError) as problem:
            raise Away("the record of session %s can't be used: %s" % (sid, problem))

    def end(self, token, user_id):
        """End the session of a token, as a log-out; False: Redis doesn't know how, and the site must do it."""
        shard, sid = shard_of(token), sid_of(token)
        if shard >= self._shards:
            return False
        keys = [self.key(shard, name) for name in ("sessions", "records", "ended", "audit", "session:" + sid)]
        try:
            self._run(END_SCRIPT, keys + [self.users_key(shard, user_id)], ["logout", "always", "", sid, 6])
        except redis.exceptions.NoScriptError:
            return False
        return True

    def score(self, key, member):
        """Return the score of a member of a sorted set, or None."""
        return self._do(lambda client: client.zscore(key, member))

    def _run(self, script, keys, arguments):
        return self._do(lambda client: client.evalsha(script, len(keys), *(keys + arguments)))

    def _read(self, session, records, sid):
        """Read a session without a script: the record first, so that one that ends meanwhile has no key."""

        def read(client):
            together = client.pipeline(transaction=False)
            together.hget(records, sid)
            together.execute_command("PTTL", session)
            together.time()
            record, ttl, (seconds, microseconds) = together.execute()
            return ttl, seconds * 1000 + microseconds // 1000, record

        return self._do(read)

    def _do(self, deed):
        if _clock() < self._quiet_until:
            raise Away("Redis did not answer a moment ago")
        try:
            if self._client is None:
                self._client = self._connect()
            return deed(self._client)
        except redis.exceptions.NoScriptError:
            raise
        except redis.exceptions.TimeoutError:
            self._quiet_until = _clock() + PAUSE
            raise Away("Redis did not answer within %g s" % self._timeout)
        except (redis.exceptions.AuthenticationError, redis.exceptions.ResponseError) as problem:
            self._client = None  # the password may be another one by now
            raise Away("Redis refuses: %s" % type(problem).__name__)
        except Exception as problem:
            raise Away("Redis can't be asked: %s" % type(problem).__name__)

    def _connect(self):
        options = {"socket_connect_timeout": self._timeout, "socket_timeout": self._timeout}
        if urlsplit(self._url).scheme == "rediss":
            options["ssl_check_hostname"] = True  # redis-py 3.5 leaves that out, and believes any certificate
        if Retry is not None:
            options["retry"] = Retry(NoBackoff(), 0)
        if self._password_file:
            with open(self._password_file) as kept:
                options["password"] = kept.read().strip()
        return redis.Redis.from_url(self._url, **options)


def shard_of(token):
    """Return the number of the shard that a token names."""
    return int(token.partition(".")[0])


def sid_of(token):
    """Return the session's public name."""
    return _encode(hashlib.sha256(token.encode("ascii")).digest()[:16])


def logout_key_of(token):
    """Return what a link to log out carries."""
    return _encode(hmac.new(token.encode("ascii"), LOGOUT_LABEL, hashlib.sha256).digest()[:16])


def cookie_in_header(header, name):
    """Find a cookie's value.

    Where several of the name differ, none counts: another host may have planted one of them.
    """
    pairs = [part.partition("=") for part in (header or "").split(";")]
    values = set(value.strip() for key, _, value in pairs if key.strip() == name)
    return values.pop() if len(values) == 1 else None


def token_in_header(header, name):
    """Find the token in a request's Cookie header, or None."""
    value = cookie_in_header(header, name)
    return value if value and TOKEN.match(value) else None


def _person(ttl, now, raw):
    """Read an answer about a session; None where it doesn't live."""
    if raw is None or ttl in (-2, 0):
        return None
    record = json.loads(raw.decode("utf-8"))
    user_id, name, expires, created = (record[field] for field in ("user", "name", "expires", "created"))
    email, display_name = record.get("email", u""), record.get("display", u"")
    groups = record.get("groups", u"")
    texts = [user_id, name, email, display_name, groups]
    if not all(isinstance(text, text_type) for text in texts) or not user_id or not name:
        raise ValueError("a text is missing, or is none")
    if not all(type(number) in _INTEGERS and 0 < number <= MAX_MS for number in (expires, created)):
        raise ValueError("a time is missing, or is none")
    return Person(user_id, name, email, display_name, groups.split(u"\n")) if expires > now else None


_INTEGERS = (int, type(1 << 70))


def _encode(raw):
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


#: A clock that nobody sets; Python 2 has none.
_clock = getattr(time, "monotonic", time.time)


# ---- Who is who in the wiki ------------------------------------------------------------------------------------------

#: What MoinMoin calls a user's log-in. No auth method has that name, so that MoinMoin's own session, which XML-RPC
#: takes over by its id alone, never brings a user back.
AUTH_METHOD = "external_cookie_proof"

#: What the site says of a user, and no form of the wiki's changes.
LOCKED = ("name", "email", "aliasname", "password")

#: Names that mean something in access rules, or stand for nobody.
RESERVED = frozenset(["all", "known", "trusted", "default", "anonymous"])

#: What counts as no difference between two names; as in a wiki of MoinMoin 2.
_DROPPED = dict.fromkeys(map(ord, u" '@"))

#: Seconds that a first request waits for others'.
PATIENCE = 5.0


class NotServed(Exception):
    """A user of the site stays anonymous in the wiki; the text says why and what to do."""


def name_key(name):
    """Return what two names have in common that count as the same."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name))
    # Python 2 can't fold; what it leaves of that is put right for the letters that names have.
    folded = getattr(folded, "casefold", folded.lower)().replace(u"\xdf", u"ss").replace(u"\u03c2", u"\u03c3")
    folded = unicodedata.normalize("NFKC", folded)
    return unicodedata.normalize("NFKC", folded.translate(_DROPPED))


def one_line(value):
    """Return a value that stays on its line of a profile: MoinMoin splits lines at more characters than it removes."""
    if isinstance(value, list):
        return [one_line(item) for item in value]
    if isinstance(value, dict):
        return dict((one_line(key), one_line(item)) for key, item in value.items())
    return u" ".join(value.splitlines()) if isinstance(value, text_type) else value


class SiteUser(user.User):
    """A user whose profile says what the site says, whatever form saves it."""

    def persistent_items(self):
        """Return what goes into the profile."""
        items = dict(user.User.persistent_items(self))
        items.update(getattr(self, "_site_says", {}))
        return [(key, one_line(value)) for key, value in items.items()]


class Registry(object):
    """Which profile belongs to whom, and who has or had which name: small files beside the profiles.

    A profile says so too, for the way to MoinMoin 2, but is not believed: its users write into it.
    """

    def __init__(self, directory):
        self._directory = directory

    def profile_of(self, user_id):
        """Return the id of the profile of a user of the site, or None."""
        return self._get("user", user_id)

    def owner_of(self, key):
        """Return the id of the user of the site who has, or was the last to have, a name; or None."""
        return self._get("name", key)

    def give_profile(self, user_id, uid):
        """Note whose a profile is."""
        self._put("user", user_id, uid)

    def give_name(self, key, user_id):
        """Note whose a name is."""
        self._put("name", key, user_id)

    def names_of(self, user_id):
        """Return the keys of all names that a user has or had."""
        return sorted(word for word, owner in self._all("name") if owner == user_id)

    def owns(self, uid):
        """Whether a profile belongs to somebody."""
        return any(owned == uid for _, owned in self._all("user"))

    @contextlib.contextmanager
    def lock(self):
        """Let one request at a time give names and profiles."""
        if not os.path.isdir(self._directory):
            try:
                os.makedirs(self._directory)
            except OSError as problem:
                if problem.errno != errno.EEXIST:
                    raise
        with open(os.path.join(self._directory, "lock"), "a") as held:
            deadline = _clock() + PATIENCE
            while not _locks(held):
                if _clock() > deadline:
                    raise NotServed("the wiki is busy writing other profiles; the next request tries again")
                time.sleep(0.01)
            yield

    def _path(self, kind, word):
        return os.path.join(self._directory, "%s-%s" % (kind, hashlib.sha256(word.encode("utf-8")).hexdigest()))

    def _get(self, kind, word):
        try:
            with open(self._path(kind, word), "rb") as kept:
                return json.loads(kept.read().decode("utf-8"))[1]
        except IOError as problem:
            if problem.errno != errno.ENOENT:
                raise
            return None

    def _put(self, kind, word, value):
        handle, name = tempfile.mkstemp(dir=self._directory)
        with os.fdopen(handle, "wb") as new:
            new.write(json.dumps([word, value]).encode("ascii"))
            new.flush()
            os.fsync(new.fileno())
        os.rename(name, self._path(kind, word))

    def _all(self, kind):
        for name in os.listdir(self._directory) if os.path.isdir(self._directory) else ():
            if name.startswith(kind + "-"):
                with open(os.path.join(self._directory, name), "rb") as kept:
                    yield json.loads(kept.read().decode("utf-8"))


def _locks(held):
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (IOError, OSError):
        return False
    return True


class NameRules(object):
    """What the configuration says of names.

    Args:
        bind: name -> the one user id of the site that may have it.
        wiki_name: makes a wiki name of a site name; None: they are the same.
    """

    def __init__(self, bind, wiki_name):
        self._bound = {}
        for name, user_id in (bind or {}).items():
            if self._bound.setdefault(name_key(_text(name)), _text(user_id)) != _text(user_id):
                raise error.ConfigurationError("bind gives %r, or a name that reads the same, to two users" % name)
        self._wiki_name = wiki_name

    def name_for(self, person, context):
        """Return the name that a user is to have in the wiki.

        Raises:
            NotServed: there is none.
        """
        name = self._wiki_name(person.name) if self._wiki_name else person.name
        if not isinstance(name, text_type) or not user.isValidName(context, name) or not name_key(name):
            raise NotServed("MoinMoin can't use this name; rename the user on the site, or map the name with wiki_name")
        if name_key(name) in RESERVED or re.match(r"\d+\.\d+\.\d+\.\d+\Z", name):
            raise NotServed("the name has a meaning of its own in MoinMoin; rename the user on the site")
        owner = self._bound.get(name_key(name))
        if owner is None and name_key(name) in set(map(name_key, named_in(context.cfg))):
            raise NotServed(_has_rights(name, person))
        if owner is not None and owner != person.user_id:
            raise NotServed("bind gives this name to the site's user %s; rename one of the two" % owner)
        return name

    def check_new(self, name, person, context):
        """Let a name pass that a profile has not had before: it is in no group with rights.

        Raises:
            NotServed: it is.
        """
        groups = context.groups
        for entry in named_in(context.cfg):
            if entry in groups and name in groups[entry] and not self.binds(name, person.user_id):
                raise NotServed(_has_rights(name, person))

    def is_plain(self, name, context):
        """Whether the configuration gives the name neither rights, by itself or in a group, nor to somebody."""
        key, groups, named = name_key(name), context.groups, named_in(context.cfg)
        if key in self._bound or key in set(map(name_key, named)):
            return False
        return not any(entry in groups and name in groups[entry] for entry in named)

    def binds(self, name, user_id):
        """Whether the configuration says that the name belongs to that user of the site."""
        return self._bound.get(name_key(name)) == user_id


def named_in(cfg):
    """Return whom a wiki's configuration gives rights to: superusers, and who stands in its access rules."""
    named = set(map(_text, cfg.superuser))
    for rule in (cfg.acl_rights_before, cfg.acl_rights_default, cfg.acl_rights_after):
        for _, entries, _rights in ACLStringIterator(cfg.acl_rights_valid, _text(rule)):
            named.update(entries)
    return named


def _has_rights(name, person):
    return (
        "the wiki's configuration gives rights to this name; if this user is meant, write "
        "ExternalCookie(bind={%r: %r}), else rename the user on the site" % (name, person.user_id)
    )


class Profiles(object):
    """Finds, makes and updates the profile of a person; see `ExternalCookie` for the arguments."""

    def __init__(self, rules, autocreate, adopt_existing):
        self._rules = rules
        self._autocreate = autocreate
        self._adopt_existing = adopt_existing

    def of(self, person, context):
        """Return the user whose profile belongs to the person, up to date; None: there is none, and none is to be made.

        Raises:
            NotServed: the user is to stay anonymous; it says why.
        """
        name = self._rules.name_for(person, context)
        registry = registry_of(context)
        uid = registry.profile_of(person.user_id)
        found = self._load(context, uid) if uid else None
        if found is None or not found.exists() or registry.owner_of(name_key(name)) != person.user_id:
            with registry.lock():
                found = self._claim(person, name, registry, context)
        if found is None:
            return None
        if found.disabled:
            raise NotServed("his profile is disabled in the wiki; its admins can undo that")
        _follow(found, person, name, registry)
        return found

    def unbound(self, name, email, context):
        """Return the profile of exactly that name and address, where nobody of the site owns either; else None.

        Nothing is made or changed.
        """
        registry = registry_of(context)
        if not self._rules.is_plain(name, context) or registry.owner_of(name_key(name)) is not None:
            return None
        uid = user.getUserId(context, name)
        if uid and registry.owns(uid):
            return None
        found = self._load(context, uid) if uid else None
        if found is None or not found.exists() or not found.valid or found.disabled:
            return None
        return found if found.name == name and email and found.email.lower() == email.lower() else None

    def _claim(self, person, name, registry, context):
        """Return the profile that the person is to have, after noting that profile and name are his."""
        uid = registry.profile_of(person.user_id)
        found = self._load(context, uid) if uid else None
        if found is not None and not found.exists():
            found = None  # somebody has removed it
        if registry.owner_of(name_key(name)) != person.user_id:
            self._rules.check_new(name, person, context)
        holder = _holder(name, uid, context)
        former = registry.owner_of(name_key(name))
        if holder is not None:
            if found is not None or not self._adopt_existing or holder.name != name or registry.owns(holder.id):
                raise NotServed("another wiki profile (%s) has this name, or one that reads the same" % holder.id)
            found = self._load(context, holder.id)
            found.enc_password = found.recoverpass_key = u""
            _log.warning("the wiki's account %r (%s) now belongs to the site's user %s", name, found.id, person.user_id)
        elif former not in (None, person.user_id) and not self._rules.binds(name, person.user_id):
            raise NotServed("another wiki profile had this name, or one that reads the same; rename one of the two")
        if found is None:
            if not self._autocreate:
                return None
            found = self._load(context, uid)
        registry.give_profile(person.user_id, found.id)
        registry.give_name(name_key(name), person.user_id)
        return found

    def _load(self, context, uid):
        return SiteUser(context, id=uid, auth_method=AUTH_METHOD, auth_attribs=LOCKED)


def registry_of(context):
    """Return the registry of a wiki, which all wikis that share its profiles share."""
    return Registry(os.path.join(context.cfg.user_dir, "site"))


def _holder(name, own, context):
    """Return another profile that has a name; MoinMoin's own look-up doesn't know disabled ones."""
    key = name_key(name)
    for uid in user.getUserList(context):
        if uid != own:
            other = user.User(context, uid)
            if other.name and name_key(other.name) == key:
                return other
    return None


def _follow(found, person, name, registry):
    """Have the profile say what the site says; it is saved only where that is new."""
    said = {"name": name, "email": person.email, "aliasname": person.display_name, "site_user_id": person.user_id}
    said = dict((key, one_line(text).strip()) for key, text in said.items())
    if not found.exists() or any(getattr(found, key, None) != text for key, text in said.items()):
        # The keys of his names are for MoinMoin 2, which knows them by this name.
        said["site_name_id"] = registry.names_of(person.user_id)
        changed = True
    else:
        said["site_name_id"], changed = getattr(found, "site_name_id", []), False
    found._site_says = said
    vars(found).update(said)
    if changed:
        found.save()
    policy = found._cfg.SecurityPolicy or security.Default
    found.may = policy(found)  # it is made from the name
    found.valid = 1


# ---- Groups ----------------------------------------------------------------------------------------------------------


class SiteGroups(BaseGroupsBackend):
    """The wiki's groups, with the request's user in those that his groups on the site stand for.

    Args:
        context: the request.
        groups: the wiki's own.
        mapping: name of a group on the site -> name of the wiki's group that its members are in.
    """

    def __init__(self, context, groups, mapping):
        BaseGroupsBackend.__init__(self, context)
        self._groups = groups
        self._mapping = mapping
        self._known = frozenset(mapping.values())

    def __contains__(self, group_name):
        return group_name in self._known or group_name in self._groups

    def __iter__(self):
        return iter(sorted(set(self._groups) | set(self._known)))

    def __getitem__(self, group_name):
        if group_name not in self._known:
            return self._groups[group_name]
        own = self._groups[group_name] if group_name in self._groups else None
        return SiteGroup(self.request, group_name, self, own)

    def holds_user(self, group_name):
        """Whether the request's user is in a wiki group, by what his record says."""
        person = self.request.environ.get(_PERSON)
        return person is not None and any(self._mapping.get(group) == group_name for group in person.groups)

    def _retrieve_members(self, group_name):
        return list(self[group_name])


class SiteGroup(BaseGroup):
    """A wiki group that a group of the site stands for; of the site's users it holds the request's alone."""

    def __init__(self, request, name, backend, own):
        BaseGroup.__init__(self, request, name, backend)
        self._own = own

    def __contains__(self, member, processed_groups=None):
        if member in self._user():
            return True
        return self._own is not None and self._own.__contains__(member, processed_groups)

    def __iter__(self, yielded_members=None, processed_groups=None):
        for member in self._user():
            yield member
        for member in self._own.__iter__(yielded_members, processed_groups) if self._own is not None else ():
            yield member

    def _user(self):
        """Return the name of the request's user, if he is in this group by what his record says."""
        who = self.request.user
        served = who.valid and who.auth_method == AUTH_METHOD
        return [who.name] if served and self._backend.holds_user(self.name) else []


# ---- In and out ------------------------------------------------------------------------------------------------------

#: Actions that belong to the site, or change any profile at will.
OFF = frozenset(["newaccount", "recoverpass", "userprofile"])

#: Settings that belong to the site, or make one user another.
PREFERENCES_OFF = ("changepass", "suid", "oid")

#: Characters of an address that a log-in returns to.
LONGEST = 1000

#: An address of the wiki's own: no host, nothing that a browser would drop or read as a slash.
_ADDRESS = re.compile(r"/(?![/\\])[!-\[\]-~]*\Z")

#: What stays as it is when a path is quoted.
_SAFE = "/:@!$&'()*+,;=~"

#: Where in a request's environ it is kept who was proved, and why a user is not served. No header reaches these names.
_PERSON, _REFUSAL = "moin_auth.person", "moin_auth.refusal"

PROBLEMS = {
    "no site": u"This wiki does not know where the site's log-in is.",
    "no cookie": u"You are logged in on the site, but your browser has brought no proof of it along "
    u"(WIKI_COOKIE_DOMAIN and WIKI_COOKIE_NAME say where it goes).",
    "unknown": u"The session that your browser names is over. Log out on the site, and in again.",
    "away": u"The wiki can't reach the place where log-ins are kept. Try again in a while.",
    "refused": u"The wiki has no account for you: %s",
}


def clean(address):
    """Return an address if a browser that is led there stays within the wiki, else None."""
    if len(address) > LONGEST or not _ADDRESS.match(address):
        return None
    path = address.partition("?")[0].partition("#")[0]
    climbs = any(part.lower().replace("%2e", ".") in (".", "..") for part in path.split("/"))
    return None if climbs else address


def here(environ):
    """Return the address of the page that is asked for, below the wiki's root."""
    path = quote(_bytes(environ.get("PATH_INFO", "")), safe=_SAFE) or "/"
    query = quote(_bytes(environ.get("QUERY_STRING", "")), safe=_SAFE + "%?")
    return clean(path + "?" + query if query else path) or clean(path) or "/"


def _bytes(text):
    return text if isinstance(text, bytes) else text.encode("latin-1")


def _text(value):
    if isinstance(value, bytes):
        return value.decode("utf-8")
    return value if isinstance(value, text_type) else text_type(value)


class Throttle(object):
    """Says whether a thing of a kind may happen again: at most once a minute."""

    def __init__(self):
        self._last = {}

    def allows(self, kind):
        """Return True, at most once a minute for each kind."""
        if len(self._last) > 1000:
            self._last.clear()
        if _clock() - self._last.get(kind, -60.0) < 60:
            return False
        self._last[kind] = _clock()
        return True


class ExternalCookie(BaseAuth, object):
    """Believes the cookie that the site has set, on each request anew, and nothing else.

    Args:
        autocreate: make a profile for a user who comes for the first time.
        adopt_existing: let a user who comes for the first time have the wiki's own account of the very same name.
        bind: name in the wiki -> the id of the one user of the site who may have it; needed for names to which the
            wiki's configuration gives rights.
        wiki_name: makes the name in the wiki of a name on the site; None: they are the same.
        trusted: whether access rules count such users as ``Trusted``.
        groups: name of a group on the site -> name of the wiki's group that its members are in.
        accept_legacy: believe the cookies of 2012 too, ``name#address#key``, for the time of the change-over.
        legacy: about those: ``cookie_name``, ``set`` (the sorted set's key), ``redis_url``, and ``age``, the seconds
            that they live, if the set's scores say when they were made; without it, the scores say when they end.
        settings: ``redis_url``, ``redis_password_file``, ``redis_prefix``, ``redis_shards``, ``redis_timeout``,
            ``cookie_name``, ``site_url``, ``url``; what is not given is read from the environment, ``WIKI_REDIS_URL``
            and so on.

    Raises:
        MoinMoin.error.ConfigurationError: a setting can't be used.
    """

    name = "external_cookie"
    logout_possible = True

    def __init__(
        self,
        autocreate=False,
        adopt_existing=False,
        bind=None,
        wiki_name=None,
        trusted=False,
        groups=None,
        accept_legacy=False,
        legacy=None,
        **settings
    ):
        BaseAuth.__init__(self)
        values = _settings(settings)
        self._sessions = _sessions(values, values["redis_url"])
        self._cookie_name = values["cookie_name"]
        self._site_url = _root("site_url", values["site_url"])
        self._url = _root("url", values["url"])
        self._profiles = Profiles(NameRules(bind, wiki_name), autocreate, adopt_existing)
        self._trusted = trusted
        self._groups = dict(groups or {})
        self._legacy = Legacy(values, **(legacy or {})) if accept_legacy else None
        self._throttle = Throttle()
        self._prepared = []
        self.login_inputs = ["special_no_input"] if self._site_url else []

    # What MoinMoin calls. `serve` stands before all of these, because MoinMoin doesn't ask about each log-out.

    def request(self, request, user_obj, **_):
        """Return the user whom the request's cookie proves."""
        return self.serve(request), False

    def login(self, request, user_obj, **_):
        """Answer MoinMoin's own log-in: it changes nothing about who somebody is."""
        return LoginReturn(self.serve(request), False)

    def logout(self, request, user_obj, **_):
        """Answer MoinMoin's own log-out in the same way."""
        return self.serve(request), False

    def serve(self, context):
        """Return the user for whom a request is served, or None: as anonymous. A way in or out leads there instead."""
        self._prepare(context.cfg)
        if context.action in OFF:
            context.makeForbidden(403, u"Accounts belong to the site.")
        found = self._user(context)
        _empty_session(context.session, found)
        if context.action == "login":
            self._log_in(context, found)
        elif context.action == "logout":
            found = self._log_out(context, found)
        return found

    def link(self, context, query):
        """Return the query of a theme's link to Login or Logout, with what that needs."""
        query = dict(query)
        doors = context.action in ("login", "logout")
        query["next"] = self._given(context) if doors else here(context.environ)
        if query["action"] == "logout":
            query.pop("logout", None)  # with it, MoinMoin serves nobody
            token = self._token(context)
            if token:
                query["key"] = logout_key_of(token)
        return query

    def _prepare(self, cfg):
        """Make a wiki ready, once.

        Raises:
            MoinMoin.error.ConfigurationError: there is a way round the site's log-in.
        """
        if any(known is cfg for known in self._prepared):
            return
        others = [method.name for method in cfg.auth if method is not self]
        if others:
            raise error.ConfigurationError(
                "auth holds other ways to log in (%s), which would go round the site's; remove them" % ", ".join(others)
            )
        for name in ("DesktopEdition", "jabber_enabled"):
            if getattr(cfg, name, False):
                raise error.ConfigurationError("%s gives rights that the site has not given; switch it off" % name)
        cfg.auth_can_logout = list(cfg.auth_can_logout) + [AUTH_METHOD]
        cfg.userprefs_disabled = list(cfg.userprefs_disabled) + list(PREFERENCES_OFF)
        cfg.user_form_disable = list(cfg.user_form_disable) + ["name", "aliasname", "email"]
        if self._trusted:
            cfg.auth_methods_trusted = list(cfg.auth_methods_trusted) + [AUTH_METHOD]
        if self._groups:
            own = cfg.groups
            cfg.groups = lambda context: SiteGroups(context, own(context), self._groups)
        if self._legacy:
            _log.warning("accept_legacy: cookies of 2012 are believed too; switch it off after the change-over")
        self._prepared.append(cfg)

    def _user(self, context):
        token = self._token(context)
        person, found = None, None
        try:
            if token:
                person = self._sessions.person(token)
                found = self._profiles.of(person, context) if person else None
                context.environ[_PERSON] = person if found is not None else None
                if person is not None and found is None:
                    context.environ[_REFUSAL] = u"it makes none for newcomers"
            elif self._legacy:
                found = self._legacy.user(context, self._profiles)
        except NotServed as reason:
            context.environ[_REFUSAL] = _text(reason.args[0])
            self._explain(person, reason)
        except Away as problem:
            context.environ[_REFUSAL] = None
            if self._throttle.allows("away"):
                _log.warning("%s; everybody is anonymous", problem)
        except Exception:
            context.environ[_REFUSAL] = u"something is wrong with it"
            if self._throttle.allows("odd"):
                _log.exception("a profile can't be used; its user stays anonymous")
        return found

    def _explain(self, person, reason):
        if self._throttle.allows(person.user_id):
            _log.warning("user %s (%r) stays anonymous in the wiki: %s", person.user_id, person.name, reason.args[0])

    def _log_in(self, context, found):
        address = self._given(context)
        if found is not None:
            self._go(context, self._root(context) + address)
        if "returned" in context.request.args or not self._site_url:
            context._login_messages.append(self._problem(context))
            return
        back = "/?action=login&login=1&returned=1&next=" + quote(address, safe="")
        self._go(context, "%senter/?next=%s" % (self._site_url, quote(self._root(context) + back, safe="")))

    def _log_out(self, context, found):
        token = self._token(context)
        if token is None:
            return None if found is None else self._end_legacy(context, found)
        key = context.request.values.get("key", "")
        asked = hmac.compare_digest(logout_key_of(token).encode("ascii"), key.encode("utf-8", "replace"))
        person = context.environ.get(_PERSON)
        ended = asked and person is not None and self._end(token, person)
        if self._site_url:
            address = quote(self._root(context) + self._given(context), safe="")
            self._go(context, "%sleave/?next=%s%s" % (self._site_url, address, "&key=" + key if asked else ""))
        return None if ended else found

    def _end(self, token, person):
        try:
            return self._sessions.end(token, person.user_id)
        except Away as problem:
            if self._throttle.allows("away"):
                _log.warning("%s; a log-out in the wiki did not end the session", problem)
            return False

    def _end_legacy(self, context, found):
        """Lead who is known by an old cookie to the site, which alone can take it back."""
        if self._site_url:
            address = quote(self._root(context) + self._given(context), safe="")
            self._go(context, "%sleave/?next=%s" % (self._site_url, address))
        return found

    def _problem(self, context):
        if not self._site_url:
            return PROBLEMS["no site"]
        if not self._token(context):
            return PROBLEMS["no cookie"]
        if _REFUSAL not in context.environ:
            return PROBLEMS["unknown"]
        reason = context.environ[_REFUSAL]
        return PROBLEMS["refused"] % reason if reason else PROBLEMS["away"]

    def _token(self, context):
        return token_in_header(context.environ.get("HTTP_COOKIE"), self._cookie_name)

    def _given(self, context):
        given = clean(context.request.values.get("next", ""))
        return given or clean(quote(_bytes(context.environ.get("PATH_INFO", "")), safe=_SAFE)) or "/"

    def _root(self, context):
        if self._url:
            return self._url.rstrip("/")
        environ = context.environ
        host = environ.get("HTTP_HOST") or environ["SERVER_NAME"]
        path = quote(_bytes(environ.get("SCRIPT_NAME", "")), safe=_SAFE)
        return ("%s://%s%s" % (environ["wsgi.url_scheme"], host, path)).rstrip("/")

    def _go(self, context, target):
        context.http_redirect(str(target), 303)


def _empty_session(session, found):
    """Take out of MoinMoin's own session what is another reader's: his trail, and who MoinMoin thought he was."""
    owner = session.get("user.id")
    if owner is not None and (found is None or owner != found.id):
        session.clear()
    session.pop("setuid", None)


# ---- Cookies of 2012 -------------------------------------------------------------------------------------------------


class Legacy(object):
    """Believes ``name#address#key`` where the key, or the whole, is in a sorted set.

    Such a cookie names no user id, and where the set holds keys alone, whoever has a key of his own can write another
    name before it. So it brings nobody a name to which the wiki's configuration gives rights, nor a profile that
    belongs to a user of the site; it makes and changes none, and the address must be the profile's.
    """

    def __init__(self, values, cookie_name=None, set="wiki_cookie_keys", redis_url=None, age=None):  # noqa: A002 - as people type it
        self._cookie_name = cookie_name or values["cookie_name"]
        self._set = set
        self._age = age
        self._sessions = _sessions(values, redis_url or values["redis_url"])

    def user(self, context, profiles):
        """Return the user whom the request's old cookie names, or None."""
        value = unquote_cookie(cookie_in_header(context.environ.get("HTTP_COOKIE"), self._cookie_name) or "")
        parts = value.split(u"#")
        if len(parts) != 3 or not all((parts[0], parts[2])) or not (self._lives(parts[2]) or self._lives(value)):
            return None
        return profiles.unbound(parts[0], parts[1], context)

    def _lives(self, member):
        score, now = self._sessions.score(self._set, member), time.time()
        if score is None:
            return False
        return score > now if self._age is None else now - self._age < score <= now + 60


def unquote_cookie(value):
    """Return a cookie's text as Django wrote it, which puts what is not plain into quotes."""
    if len(value) > 1000:
        return u""
    value = value.decode("latin-1") if isinstance(value, bytes) else value
    if value.startswith('"') and value.endswith('"') and len(value) > 1:
        value = re.sub(r"\\([0-3][0-7][0-7])", lambda found: u"%c" % int(found.group(1), 8), value[1:-1])
        value = re.sub(r"\\(.)", r"\1", value)
    for charset in ("utf-8", "latin-1"):  # as Python 2 wrote it, and Python 3
        try:
            return _bytes(value).decode(charset)
        except UnicodeError:
            pass
    return u""


# ---- Settings --------------------------------------------------------------------------------------------------------

#: The keyword arguments, the variables that they fall back to, and their defaults.
SETTINGS = {
    "redis_url": ("WIKI_REDIS_URL", "redis://localhost:6379/0"),
    "redis_password_file": ("WIKI_REDIS_PASSWORD_FILE", ""),
    "redis_prefix": ("WIKI_REDIS_PREFIX", "sso"),
    "redis_shards": ("WIKI_REDIS_SHARDS", "1"),
    "redis_timeout": ("WIKI_REDIS_TIMEOUT", "0.5"),
    "cookie_name": ("WIKI_COOKIE_NAME", "wiki_session"),
    "site_url": ("WIKI_SITE_URL", ""),
    "url": ("WIKI_URL", ""),
}


def _settings(given):
    unknown = sorted(set(given) - set(SETTINGS))
    if unknown:
        raise TypeError("ExternalCookie takes %s, not %s" % (", ".join(sorted(SETTINGS)), ", ".join(unknown)))
    return dict(
        (name, str(given[name]) if given.get(name) is not None else os.environ.get(variable) or default)
        for name, (variable, default) in SETTINGS.items()
    )


def _sessions(values, url):
    try:
        shards, timeout = int(values["redis_shards"]), float(values["redis_timeout"])
    except ValueError:
        raise error.ConfigurationError("redis_shards and redis_timeout must be numbers")
    if not 1 <= shards <= 10000 or not 0 < timeout <= 60:
        raise error.ConfigurationError("redis_shards must be 1 to 10000, redis_timeout above 0 and at most 60 seconds")
    if urlsplit(url).scheme not in ("redis", "rediss", "unix"):
        raise error.ConfigurationError("redis_url must begin with redis://, rediss:// or unix://")
    return Sessions(url, values["redis_password_file"], values["redis_prefix"], shards, timeout)


def _root(name, url):
    if not url:
        return ""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or set(url) & set("@?#\\ "):
        raise error.ConfigurationError("%s must be like https://wiki.example.org/, not %r" % (name, url))
    return "%s://%s%s/" % (parts.scheme, parts.netloc.lower(), parts.path.rstrip("/"))


# ---- Standing before MoinMoin ----------------------------------------------------------------------------------------


def _method_of(cfg):
    for method in cfg.auth:
        if isinstance(method, ExternalCookie):
            return method
    return None


def _first(handler):
    """Ask ours before MoinMoin's handler of a log-in, log-out or request, which asks others first, or nobody."""

    def handle(context, *arguments, **named):
        method = _method_of(context.cfg)
        return method.serve(context) if method is not None else handler(context, *arguments, **named)

    return handle


def _with_doors(url):
    """Give the links to Login and Logout, which themes make themselves, what they need."""

    def with_doors(page, context, querystr=None, *arguments, **named):
        if isinstance(querystr, dict) and querystr.get("action") in ("login", "logout") and len(querystr) > 1:
            method = _method_of(context.cfg)
            if method is not None:
                querystr = method.link(context, querystr)
        return url(page, context, querystr, *arguments, **named)

    return with_doors


for _name in ("handle_login", "handle_logout", "handle_request"):
    setattr(MoinMoin.auth, _name, _first(getattr(MoinMoin.auth, _name)))
MoinMoin.Page.Page.url = _with_doors(MoinMoin.Page.Page.__dict__["url"])
