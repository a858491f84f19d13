"""The ciphers, against published vectors, and the tag over everything."""

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st
from liangwang import ciphers

# RFC 8998, appendix A.1: SM4-GCM.
KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
NONCE = bytes.fromhex("00001234567800000000ABCD")
ADDITIONAL = bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2")
CLEAR = bytes.fromhex(
    "AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD"
    "EEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFEEEEEEEEEEEEEEEEAAAAAAAAAAAAAAAA"
)
SEALED = bytes.fromhex(
    "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735"
    "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D"
    "83DE3541E4C2B58177E065A9BF7B62EC"
)


def test_sm4_gcm_is_that_of_rfc_8998():
    assert ciphers.encrypt("SM4-GCM", KEY, NONCE, CLEAR, ADDITIONAL) == SEALED
    assert ciphers.decrypt("SM4-GCM", KEY, NONCE, SEALED, ADDITIONAL) == CLEAR


@given(st.sampled_from(sorted(ciphers.KEY_BYTES)), st.binary(max_size=300), st.binary(max_size=50), st.data())
def test_what_was_encrypted_comes_out_and_any_change_is_noticed(cipher, clear, additional, data):
    key, nonce = bytes(ciphers.KEY_BYTES[cipher]), bytes(ciphers.NONCE_BYTES)
    content = ciphers.encrypt(cipher, key, nonce, clear, additional)
    assert ciphers.decrypt(cipher, key, nonce, content, additional) == clear
    parts = {"key": key, "nonce": nonce, "content": content, "additional": additional}
    name = data.draw(st.sampled_from([name for name, part in parts.items() if part]))
    changed = bytearray(parts[name])
    place = data.draw(st.integers(0, len(changed) - 1))
    changed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(InvalidTag):
        ciphers.decrypt(cipher, **{**parts, name: bytes(changed)})


def test_a_key_of_the_other_cipher_is_no_key():
    with pytest.raises(InvalidTag):
        ciphers.decrypt("AES-256-GCM", KEY, NONCE, SEALED, ADDITIONAL)


def test_an_unknown_cipher_is_refused_by_name():
    with pytest.raises(ciphers.UnknownCipher, match="SM4-GCM"):
        ciphers.encrypt("DES", KEY, NONCE, CLEAR, ADDITIONAL)
