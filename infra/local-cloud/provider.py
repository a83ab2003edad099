"""An OpenID provider for tests: one client, and whoever it is told to be signs in without being asked."""

import base64
import hashlib
import http.server
import json
import secrets
import threading
import time
import urllib.parse

CLIENT, SECRET = "triage", "a client's secret/+"


class Provider:
    """Use as a context. `person` holds the claims of whoever signs in next."""

    def __init__(self) -> None:
        self.person: dict = {}
        self.codes: dict[str, dict] = {}
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> "Provider":
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.server.shutdown()
        self.server.server_close()

    def configuration(self) -> dict:
        return {"issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize", "token_endpoint": f"{self.issuer}/token",
                "token_endpoint_auth_methods_supported": ["client_secret_basic"]}

    def authorize(self, address: str) -> str:
        """Where the browser is sent back to."""
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
        assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256" and asked["client_id"] == CLIENT, asked
        code = secrets.token_urlsafe(16)
        self.codes[code] = {**asked, "person": dict(self.person)}
        return f"{asked['redirect_uri']}?{urllib.parse.urlencode({'code': code, 'state': asked['state']})}"

    def token(self, form: dict, authorization: str) -> tuple[int, dict]:
        pair = f"{urllib.parse.quote_plus(CLIENT)}:{urllib.parse.quote_plus(SECRET)}"
        if authorization != "Basic " + base64.b64encode(pair.encode()).decode():
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if asked is None or form.get("redirect_uri") != asked["redirect_uri"] or challenge != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"], **asked["person"]}
        part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
        return 200, {"token_type": "Bearer", "access_token": "unused", "id_token": f"{part({'alg': 'RS256'})}.{part(claims)}.c2ln"}

    def _handler(owner):  # noqa: N805 - the handler's own `self` is inside
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = self.path == "/.well-known/openid-configuration"
                self.answer(200 if found else 404, owner.configuration() if found else {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self.answer(*owner.token(dict(urllib.parse.parse_qsl(body)), self.headers.get("Authorization", "")))

            def answer(self, status: int, value: dict) -> None:
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_) -> None:
                pass

        return Handler
