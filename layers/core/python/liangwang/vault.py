"""Personal data at rest: encrypted field by field under keys of the person, found again by a keyed index.

Each person has data keys of their own, wrapped by the KMS key (``alias/liangwang/personal``) with the owner as encryption
context, in a document of intake's table (``person-key#<owner>``). A token is one encrypted value; it is bound to its owner,
its field, the key's generation and the cipher, and readable by nobody once the owner's keys are destroyed.
"""

import base64
import os
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import json

from . import ciphers
from .aggregates import PERSON_KEY, Key
from .aws import AwsError, AwsJson
from .blind import BlindIndex
from .clock import Clock, utc
from .domain.errors import DomainError
from .domain.person_key import Generation, PersonKey
from .processing import Command, perform
from .store import Store

HELD_SECONDS = 30
"""How long an execution environment keeps a person's unwrapped keys: a few requests in a row cost one call of KMS.

No longer, because destroying a person's keys cannot reach into the memory of other environments: within this time the
last of them has forgotten too.
"""

HELD_PERSONS = 256
"""How many persons' keys an environment keeps at most."""

RENEWED_AFTER = timedelta(days=365)
"""A person's newest data key encrypts for this long; then new values get a new one. Old values stay as they are."""

_TOKEN = re.compile(r"([A-Z0-9-]+)\.([1-9][0-9]{0,5})\.([A-Za-z0-9_-]+=*)")
_WRAPPED_FOR_ANOTHER = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


class Erased(DomainError):
    """The person's keys were destroyed: what was encrypted under them is gone for ever."""

    code = "erased"
    status = 410


class Unreadable(Exception):
    """A token that was changed, or belongs to another owner or field."""


class _Held(NamedTuple):
    """A person's keys in memory: as they are stored, and those that were unwrapped, by generation."""

    until: datetime
    generations: Sequence[Generation]
    plain: dict[int, bytes]


class Vault:
    """Seals and opens the personal fields of one owner (a ``userId``), and destroys the owner's keys.

    ``key`` is the KMS key that wraps data keys; ``cipher`` is what new tokens are made with.
    """

    def __init__(
        self,
        store: Store,
        aws: AwsJson,
        *,
        key: str,
        index: BlindIndex,
        cipher: str = "AES-256-GCM",
        clock: Clock = utc,
    ) -> None:
        self._store = store
        self._aws = aws
        self._key = key
        self._index = index
        self._cipher = ciphers.known(cipher)
        self._clock = clock
        self._held: dict[str, _Held] = {}

    def seal(self, owner: str, values: Mapping[str, str]) -> dict[str, str]:
        """A token for each field's value. The owner's first key is made on first use. Raises Erased, AwsError."""
        if not values:
            return {}
        held = self._keys(owner)
        if not held.generations or held.generations[-1].made_at + RENEWED_AFTER <= self._clock():
            held = self._renewed(owner, len(held.generations))
        generation = len(held.generations)
        key = self._derived(self._unwrapped(owner, held, generation), self._cipher)
        return {name: self._token(owner, name, generation, key, value) for name, value in values.items()}

    def open(self, owner: str, tokens: Mapping[str, str]) -> dict[str, str]:
        """The values of an owner's tokens. Raises Erased, Unreadable, or AwsError when KMS cannot be asked."""
        return {name: self._value(owner, name, token) for name, token in tokens.items()}

    def blind(self, field: str, value: str) -> str:
        """The keyed index of a field's value, in hexadecimal: equal values, however written, have equal indexes."""
        return self._index(field, value)

    def renew(self, owner: str) -> None:
        """A new data key for what the owner writes from now on. Nothing is rewritten. Raises Erased."""
        self._renewed(owner, len(self._keys(owner, fresh=True).generations))

    def destroy(self, owner: str) -> None:
        """Destroys all keys of an owner, and leaves a tombstone so that none is ever made again.

        What other environments hold is forgotten within ``HELD_SECONDS``; what backups hold, within their own time.
        """
        now = self._clock()

        def decide(state: PersonKey | None, at: datetime) -> Sequence[PersonKey]:
            return [] if state is not None and state.destroyed_at else [PersonKey(destroyed_at=at)]

        command = Command(Key(PERSON_KEY.name, owner), f"person-key/{owner}/destroyed", decide)
        perform(self._store, [command], now)[0].stored()
        self._held.pop(owner, None)

    # ------------------------------------------------------------------ tokens

    def _token(self, owner: str, field: str, generation: int, key: bytes, value: str) -> str:
        nonce = os.urandom(ciphers.NONCE_BYTES)
        bound = _bound(owner, field, generation, self._cipher)
        content = nonce + ciphers.encrypt(self._cipher, key, nonce, value.encode(), bound)
        return f"{self._cipher}.{generation}.{base64.urlsafe_b64encode(content).decode()}"

    def _value(self, owner: str, field: str, token: str) -> str:
        parts = _TOKEN.fullmatch(token)
        if parts is None or parts[1] not in ciphers.KEY_BYTES:
            raise Unreadable(f"what stands in {field} is no token")
        cipher, generation = parts[1], int(parts[2])
        held = self._keys(owner)
        if generation > len(held.generations):  # another environment has renewed the key
            held = self._keys(owner, fresh=True)
        if generation > len(held.generations):
            raise Unreadable(f"{field} names a key that its owner never had")
        key = self._derived(self._unwrapped(owner, held, generation), cipher)
        try:
            content = base64.b64decode(parts[3], altchars=b"-_", validate=True)
            nonce, sealed = content[: ciphers.NONCE_BYTES], content[ciphers.NONCE_BYTES :]
            return ciphers.decrypt(cipher, key, nonce, sealed, _bound(owner, field, generation, cipher)).decode()
        except (InvalidTag, ValueError) as error:
            raise Unreadable(f"{field} was changed, or belongs to somebody or something else") from error

    # ------------------------------------------------------------------ keys

    def _keys(self, owner: str, *, fresh: bool = False) -> _Held:
        """The owner's keys as of the last seconds, or as of now. Raises Erased."""
        now = self._clock()
        held = self._held.get(owner)
        if held is not None and now < held.until and not fresh:
            return held
        key = Key(PERSON_KEY.name, owner)
        return self._hold(owner, self._store.load([key])[key].state or PersonKey(), now)

    def _hold(self, owner: str, state: PersonKey, now: datetime) -> _Held:
        if state.destroyed_at is not None:
            self._held.pop(owner, None)
            raise Erased("this person's data was erased; nobody can read it again")
        held = _Held(now + timedelta(seconds=HELD_SECONDS), state.generations, {})
        if state.generations:
            if len(self._held) >= HELD_PERSONS:
                self._held.clear()
            self._held[owner] = held
        return held

    def _unwrapped(self, owner: str, held: _Held, generation: int) -> bytes:
        if generation not in held.plain:
            wrapped = held.generations[generation - 1].wrapped
            request = {"CiphertextBlob": wrapped, "KeyId": self._key, "EncryptionContext": {"owner": owner}}
            try:
                answer = self._aws.call("kms", "Decrypt", request)
            except AwsError as error:
                if error.code in _WRAPPED_FOR_ANOTHER:
                    raise Unreadable(f"the key of generation {generation} was changed, or is another's") from error
                raise
            held.plain[generation] = base64.b64decode(answer["Plaintext"])
        return held.plain[generation]

    def _renewed(self, owner: str, known: int) -> _Held:
        """One key more than the ``known`` ones. Of two who make it at once one wins, and the other uses the winner's."""
        now = self._clock()
        request = {"KeyId": self._key, "KeySpec": "AES_256", "EncryptionContext": {"owner": owner}}
        answer = self._aws.call("kms", "GenerateDataKey", request)
        made = Generation(wrapped=answer["CiphertextBlob"], made_at=now)

        def decide(state: PersonKey | None, at: datetime) -> Sequence[PersonKey]:
            state = state or PersonKey()
            if state.destroyed_at is not None or len(state.generations) > known:
                return []
            return [PersonKey(generations=(*state.generations, made))]

        command = Command(Key(PERSON_KEY.name, owner), f"person-key/{owner}/{known + 1}/{made.wrapped[-24:]}", decide)
        held = self._hold(owner, perform(self._store, [command], now)[0].stored().state, now)
        if held.generations[-1] == made:
            held.plain[len(held.generations)] = base64.b64decode(answer["Plaintext"])
        return held

    @staticmethod
    def _derived(data_key: bytes, cipher: str) -> bytes:
        """The cipher's own key, out of a data key (HKDF-SHA-256, RFC 5869): no key ever serves two ciphers."""
        length = ciphers.KEY_BYTES[cipher]
        return HKDF(hashes.SHA256(), length, salt=None, info=f"liangwang/vault/{cipher}".encode()).derive(data_key)


def _bound(owner: str, field: str, generation: int, cipher: str) -> bytes:
    """What a token is authenticated with: moved to another owner or field, it does not open."""
    return json.encode((owner, field, generation, cipher))
