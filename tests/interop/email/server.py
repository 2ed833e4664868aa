"""Mail servers on loopback (PyPI: aiosmtpd): in the clear, with STARTTLS, with TLS; the last two want ada's password.

`server.py CERTIFICATE KEY LETTERS`: notes each letter as one JSON line in LETTERS, prints the three ports, ends with its input.
"""

import email, email.policy, email.utils, json, socket, ssl, sys
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

certificate, key, letters = sys.argv[1:]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone@"):
            return "550 no such user"
        if address.startswith("full@"):
            return "452 mailbox full"
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, server, session, envelope):
        if envelope.rcpt_tos[0].startswith("cut@"):
            server.transport.abort()
            return "250 never said"
        if envelope.rcpt_tos[0].startswith("big@"):
            return "552 too big"
        letter = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        said = {
            "to": str(letter["to"]),
            "subject": str(letter["subject"]),
            "message_id": str(letter["message-id"]),
            "date": email.utils.parsedate_to_datetime(letter["date"]).isoformat(),
            "text": letter.get_payload(decode=True).decode("utf-8"),
        }
        with open(letters, "a") as file:
            file.write(json.dumps(said) + "\n")
        return "250 taken"


def is_ada(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"ada", b"hunter2"), handled=False)


def run(**options):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    Controller(Handler(), hostname="127.0.0.1", port=port, **options).start()
    return port


signed_in = {"authenticator": is_ada, "auth_required": True}
ports = [
    run(),
    run(tls_context=context, require_starttls=True, **signed_in),
    run(ssl_context=context, auth_require_tls=False, **signed_in),
]
print(*ports, flush=True)
sys.stdin.read()
