"""Values made at random that look like keys, tokens and passwords.

Nothing here is or was a real secret, and none stands in a file: they are made anew from a seed.
"""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Callable
from random import Random
from urllib.parse import quote

LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
ALNUM = string.ascii_letters + string.digits
URLSAFE = ALNUM + "-_"
BASE32 = string.ascii_uppercase + "234567"
BASE64 = ALNUM + "+/"
BASE58 = "".join(sign for sign in ALNUM if sign not in "0OIl")
HEX = "0123456789abcdef"
DIGITS = string.digits
BECH32 = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"
DJANGO = LOWER + "!@#$%^&*(-_=+)"
PASSWORD_SIGNS = "!#$&*+=?-_"
WORD_LIST = (
    "velvet orbit candle tusk meadow lantern pepper granite falcon ribbon walnut harbor cactus marble tundra violin "
    "saddle copper magnet jungle puzzle rocket winter summer dragon monkey shadow thunder silver coffee"
)
WORDS = tuple(WORD_LIST.split())
Make = Callable[[Random], str]


def of(chance: Random, alphabet: str, n_chars: int) -> str:
    return "".join(chance.choices(alphabet, k=n_chars))


def shape(*parts: str | tuple[str, int]) -> Make:
    """Literal texts and (alphabet, length), one after the other."""
    return lambda chance: "".join(part if isinstance(part, str) else of(chance, *part) for part in parts)


def one_of(*makes: Make) -> Make:
    return lambda chance: chance.choice(makes)(chance)


def uuid(chance: Random) -> str:
    digits = of(chance, HEX, 32)
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def encoded(n_bytes: int) -> Make:
    return lambda chance: base64.b64encode(chance.randbytes(n_bytes)).decode()


def password(chance: Random) -> str:
    """As people choose them: a word with digits and signs, or random signs from a manager."""
    word = chance.choice(WORDS)
    return chance.choice(
        (
            f"{word.title()}{chance.randint(1990, 2026)}{chance.choice('!#$*?')}",
            f"{word}{chance.randint(10, 9999)}",
            f"{word.replace('e', '3').replace('o', '0').replace('a', '4')}-{chance.randint(10, 99)}",
            of(chance, ALNUM, 12) + str(chance.randint(0, 9)),
            of(chance, ALNUM + PASSWORD_SIGNS, 18) + str(chance.randint(0, 9)),
        )
    )


def passphrase(chance: Random) -> str:
    return chance.choice((" ", "-")).join(chance.sample(WORDS, k=chance.randint(4, 6)))


def json_web_token(chance: Random) -> str:
    claims = {"sub": of(chance, DIGITS, 9), "iat": chance.randint(1_600_000_000, 1_800_000_000), "name": "Jo"}
    parts = ({"alg": "HS256", "typ": "JWT"}, claims)
    told = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return ".".join([*told, of(chance, URLSAFE, 43)])


def key_body(chance: Random, n_lines: int = 12) -> str:
    """What stands between header and footer of a PKCS#8 key: lines of Base64 with the usual first bytes."""
    data = bytes.fromhex("308204bd020100300d06092a864886f70d0101010500048204a7308204a30201000282010100")
    text = base64.b64encode(data + chance.randbytes(48 * n_lines - len(data))).decode()
    return "\n".join(text[at : at + 64] for at in range(0, len(text), 64))


def private_key(chance: Random) -> str:
    word = chance.choice(("RSA ", "EC ", "OPENSSH ", "", "ENCRYPTED ", "DSA "))
    mark = "-" * 5
    return f"{mark}BEGIN {word}PRIVATE KEY{mark}\n{key_body(chance)}\n{mark}END {word}PRIVATE KEY{mark}"


def key_without_header(chance: Random) -> str:
    """The middle of a key's body, as a window cuts it out."""
    return "\n".join(key_body(chance, 16).split("\n")[chance.randint(0, 3) :][:10])


def encoded_private_key(chance: Random) -> str:
    return base64.b64encode(private_key(chance).encode()).decode()


def service_account(chance: Random) -> str:
    about = {
        "type": "service_account",
        "project_id": "demo",
        "private_key_id": of(chance, HEX, 40),
        "private_key": private_key(chance),
    }
    return json.dumps(about)


def database_url(chance: Random) -> str:
    scheme = chance.choice(("postgres", "postgresql+psycopg", "mysql", "mongodb+srv", "amqp"))
    return f"{scheme}://app:{password(chance)}@db{chance.randint(1, 9)}.internal/orders"


def netrc(chance: Random) -> str:
    return f"machine api.acme.test\nlogin deploy\npassword {password(chance)}"


def sas_token(chance: Random) -> str:
    signature = quote(base64.b64encode(chance.randbytes(32)).decode(), safe="")
    return f"sv=2022-11-02&ss=b&srt=co&sp=rwdlac&se=2027-0{chance.randint(1, 9)}-01T00:00:00Z&spr=https&sig={signature}"


def basic_header(chance: Random) -> str:
    return "Basic " + base64.b64encode(f"deploy:{password(chance)}".encode()).decode()


def ssh_key(chance: Random) -> str:
    """What stands between the lines of an OpenSSH key, in one line or in lines of 70 signs."""
    text = base64.b64encode(
        b"openssh-key-v1\0\0\0\0\4none\0\0\0\4none\0\0\0\0\0\0\0\1" + chance.randbytes(300)
    ).decode()
    return chance.choice((text, "\n".join(text[at : at + 70] for at in range(0, len(text), 70))))
