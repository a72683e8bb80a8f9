"""Runs OpenStack Swift with its S3 interface in one process, on the loopback address.

Usage: swiftServer.py DIRECTORY PORT. The access key is `test:tester`, and the secret is `testing`. A part of a multipart upload may
have any size.
"""
import os
import sys

directory = sys.argv[1]
configuration = os.path.join(directory, "swift.conf")
with open(configuration, "w") as file:
    file.write("[swift-hash]\nswift_hash_path_suffix = a\nswift_hash_path_prefix = b\n")
os.environ["SWIFT_CONF"] = configuration

import eventlet  # noqa: E402

eventlet.monkey_patch()

from eventlet import wsgi  # noqa: E402
from swift.common import utils  # noqa: E402

utils.SWIFT_CONF_FILE = configuration
utils.validate_configuration()

from paste.deploy import loadapp  # noqa: E402
from swift.common.ring import RingBuilder  # noqa: E402

devices = os.path.join(directory, "devices")
os.makedirs(os.path.join(devices, "disk"))


def listen():
    return eventlet.listen(("127.0.0.1", 0))


def load(name, text):
    path = os.path.join(directory, name + ".conf")
    with open(path, "w") as file:
        file.write(text)
    return loadapp("config:" + path, "main")


class Cache:
    """Takes the place of memcached."""

    def __init__(self):
        self.values = {}

    def get(self, key, *_, **__):
        return self.values.get(key)

    def set(self, key, value, *_, **__):
        self.values[key] = value

    def delete(self, key, *_, **__):
        self.values.pop(key, None)


sockets = {}
for kind in ["account", "container", "object"]:
    sockets[kind] = listen()
    builder = RingBuilder(4, 1, 1)
    builder.add_dev(
        {
            "region": 1,
            "zone": 1,
            "weight": 1,
            "device": "disk",
            "ip": "127.0.0.1",
            "port": sockets[kind].getsockname()[1],
        }
    )
    builder.rebalance()
    builder.get_ring().save(os.path.join(directory, kind + ".ring.gz"))

common = "[DEFAULT]\nswift_dir = %s\ndevices = %s\nmount_check = false\nlog_level = ERROR\n" % (directory, devices)

for kind in ["account", "container", "object"]:
    app = load(
        kind,
        common
        + "[pipeline:main]\npipeline = server\n[app:server]\nuse = egg:swift#%s\nallow_versions = true\n" % kind,
    )
    eventlet.spawn(wsgi.server, sockets[kind], app, log_output=False)

middleware = ["catch_errors", "gatekeeper", "listing_formats", "s3api", "tempauth", "copy", "bulk", "slo", "dlo"]
proxy = (
    common
    + "[pipeline:main]\npipeline = %s proxy-server\n" % " ".join(middleware)
    + "[app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\nallow_account_management = true\n"
    + "".join("[filter:%s]\nuse = egg:swift#%s\n" % (name, name) for name in middleware)
)
proxy = proxy.replace("egg:swift#s3api\n", "egg:swift#s3api\nmin_segment_size = 1\nlocation = us-east-1\n")
proxy = proxy.replace(
    "egg:swift#tempauth\n", "egg:swift#tempauth\nuser_test_tester = testing .admin\nallow_overrides = false\n"
)
app = load("proxy", proxy)
cache = Cache()


def with_cache(environment, start):
    environment["swift.cache"] = cache
    return app(environment, start)


wsgi.server(eventlet.listen(("127.0.0.1", int(sys.argv[2]))), with_cache, log_output=False)
