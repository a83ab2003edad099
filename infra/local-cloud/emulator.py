"""The emulator, with the one thing it lacks: its CloudFront functions cannot read their key-value store.

The gate in template.yaml reads the roles' passwords from there. Here `import cf from 'cloudfront'` gets what lies in the
emulator's own store, so that the gate itself runs as it is.
"""

import json
import sys

from ministack import app
from ministack.services import cloudfront, cloudfront_keyvaluestore

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


cloudfront.live_function_code = with_store
sys.exit(app.main())
