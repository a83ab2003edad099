"""The emulator, with five things it lacks.

- Its CloudFront functions cannot read their key-value store. The gate in template.yaml reads passwords and session keys
  from there. Here `import cf from 'cloudfront'` gets what lies in the emulator's own store, so that the gate itself runs as it is.
- Its CloudFront refuses an origin under amazonaws.com, as it should. Here it asks the emulator's own API of that name.
- Its S3 tells CloudFront that a missing object is forbidden. Here it says 404 where the bucket's policy allows the list, as S3 does.
- Its CloudFormation refuses an alarm over a sum of metrics. Here such an alarm exists and never changes its state.
- Its mail service forgets the headers of a message. Here they stand beside the rest of it.
"""

import json
import os
import re
import sys

from ministack import app
from ministack.services import cloudfront, cloudfront_keyvaluestore, s3, ses_v2
from ministack.services.cloudformation import provisioners

IMPORT = b"import cf from 'cloudfront';"
STAND_IN = """const cf = {{kvs: () => ({{get: async (key) => {{
  const items = {items};
  if (!Object.prototype.hasOwnProperty.call(items, key)) throw new Error('KeyNotFound');
  return items[key];
}}}})}};"""

published = cloudfront.live_function_code


def with_store(arn: str):
    code = published(arn)
    if code is None or IMPORT not in code:
        return code
    items = {}
    for store in cloudfront_keyvaluestore._stores.to_dict().values():
        items.update(store["items"])
    return code.replace(IMPORT, STAND_IN.format(items=json.dumps(items)).encode())


described = provisioners._cw_metric_alarm_record


def without_sums(name: str, properties: dict):
    if "Metrics" in properties:
        stand_in = {"Namespace": "Sums", "MetricName": name}
        properties = {**{key: value for key, value in properties.items() if key != "Metrics"}, **stand_in}
    return described(name, properties)


forward = cloudfront._forward_to_origin


def to_own_api(origin: dict, *request, **named):
    api = re.match(r"([a-z0-9]+)\.execute-api\.", origin["domain_name"])
    if api:
        origin = {**origin, "domain_name": f"{api[1]}.execute-api.localhost", "protocol_policy": "http-only",
                  "http_port": int(os.environ["GATEWAY_PORT"])}
    return forward(origin, *request, **named)


fetch = s3.serve_cloudfront_origin_fetch


def telling_what_is_missing(bucket: str, key: str, *request, **named):
    answer = fetch(bucket, key, *request, **named)
    if answer[0] == 403 and "s3:ListBucket" in s3.bucket_policy_for_arn(f"arn:aws:s3:::{bucket}")[0] and key not in s3._ensure_bucket(bucket)["objects"]:
        return s3._error("NoSuchKey", "The specified key does not exist.", 404, f"/{bucket}/{key}")
    return answer


send, sent = ses_v2.handle_request, app._handle_ses_messages_request
headers_of_mails = {}


async def keeping_headers(method, path, headers, body, query_params):
    answer = await send(method, path, headers, body, query_params)
    if method == "POST" and path.endswith("/outbound-emails") and answer[0] == 200:
        given = json.loads(body)["Content"].get("Simple", {}).get("Headers", [])
        message = json.loads(answer[2])["MessageId"]
        headers_of_mails[message] = {header["Name"]: header["Value"] for header in given}
    return answer


async def with_headers(method, path, headers, query_params):
    answer = await sent(method, path, headers, query_params)
    if answer is None or answer[0] != 200:
        return answer
    status, of_answer, body = answer
    listed = json.loads(body)
    for mail in (mail for account in listed["messages"].values() for mail in account):
        mail["Headers"] = headers_of_mails.get(mail["MessageId"], {})
    return status, of_answer, json.dumps(listed).encode()


cloudfront.live_function_code = with_store
ses_v2.handle_request = keeping_headers
app._handle_ses_messages_request = with_headers
cloudfront._forward_to_origin = to_own_api
s3.serve_cloudfront_origin_fetch = telling_what_is_missing
provisioners._cw_metric_alarm_record = without_sums
sys.exit(app.main())
