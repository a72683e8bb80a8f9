/**
 * Servers and proxies of Debian, each with a generated configuration on a free port of the loopback interface. They run in the
 * foreground, with their files in a temporary directory, and are killed with the scope.
 *
 * A test that needs one is declared with `withPrograms`, which skips it if the program is not installed.
 */
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { until } from "../poll.js"
import { certificate, key } from "./certificate.js"
import { freePort, isInstalled, isRoot, type Name, type Program, start, type Tls } from "./serverProcess.js"

export { isInstalled, type Name, type Program } from "./serverProcess.js"

export interface ServerOptions {
  /** The directory whose files are served. The servers make ETag and Last-Modified, and accept ranges. */
  readonly root: string
  /** More lines of its configuration: in `server` (nginx), at the top (Apache, lighttpd), in the site (Caddy). */
  readonly lines?: string | undefined
  /** Serves by TLS, with this certificate for localhost and its key. */
  readonly tls?: Tls | undefined
}

export interface ProxyOptions {
  /** The one user who may use the proxy. Default: no authentication. */
  readonly user?: { readonly name: string; readonly password: string } | undefined
  /** More lines of its configuration, before all others. */
  readonly lines?: string | undefined
}

/** Declares a test that runs in real time, and is skipped if one of the programs is not installed. Its title then says so. */
export const withPrograms = (
  names: ReadonlyArray<Name>,
  title: string,
  test: () => Effect.Effect<void, unknown, Scope.Scope>
): void => {
  const missing = names.filter((name) => !isInstalled(name))
  const reason = missing.length === 0 ? "" : ` (skipped: ${missing.join(" and ")} not installed)`
  it.scopedLive.skipIf(missing.length > 0)(`${title}${reason}`, test)
}

/** Waits until a line of the access log contains this text. lighttpd writes its log later than the response. */
export const awaitAccess = (program: Program, text: string): Effect.Effect<string> =>
  until(
    `line with ${text} in the access log`,
    () => program.accessLog().find((line) => line.includes(text)),
    () => `${program.accessLog().join("\n")}\n${program.output()}`
  )

/** nginx, in one process. */
export const nginx = ({ lines = "", root, tls }: ServerOptions) =>
  start("nginx", tls, ({ directory, port }) => ({
    parameters: ["-c", join(directory, "nginx.conf"), "-p", directory, "-e", "stderr"],
    files: {
      "nginx.conf": `
        daemon off; master_process off; pid nginx.pid; error_log stderr;
        events { worker_connections 1024; }
        http {
          access_log access.log; default_type application/octet-stream; keepalive_requests 100000;
          client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
          server {
            listen 127.0.0.1:${port} ${tls === undefined ? "" : "ssl"};
            ${tls === undefined ? "" : "ssl_certificate certificate.pem; ssl_certificate_key key.pem;"}
            root "${root}";
            ${lines}
          }
        }`
    }
  }))

/** Apache. */
export const apache2 = ({ lines = "", root, tls }: ServerOptions) =>
  start("apache2", tls, ({ directory, port }) => {
    const tlsModules = tls === undefined ? [] : ["ssl", "socache_shmcb"]
    const modules = ["mpm_event", "authz_core", "dir", "headers", "rewrite", ...tlsModules]
    return {
      parameters: ["-X", "-f", join(directory, "apache2.conf")],
      files: {
        "apache2.conf": `
          ${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join("\n")}
          ServerRoot "${directory}"
          ServerName localhost
          ${isRoot ? "User www-data\nGroup www-data" : ""}
          DefaultRuntimeDir .
          PidFile apache2.pid
          ErrorLog error.log
          LogFormat "%h %l %u %t \\"%r\\" %>s %b" common
          CustomLog access.log common
          Listen 127.0.0.1:${port}
          MaxKeepAliveRequests 0
          DocumentRoot "${root}"
          <Directory "${root}">
            Require all granted
          </Directory>
          ${tls === undefined ? "" : "SSLEngine on\nSSLCertificateFile certificate.pem\nSSLCertificateKeyFile key.pem"}
          ${lines}`
      }
    }
  })

/** lighttpd, without TLS. */
export const lighttpd = ({ lines = "", root }: Omit<ServerOptions, "tls">) =>
  start("lighttpd", undefined, ({ directory, port }) => ({
    parameters: ["-D", "-f", join(directory, "lighttpd.conf")],
    files: {
      "lighttpd.conf": `
        server.modules = ( "mod_accesslog" )
        server.document-root = "${root}"
        server.bind = "127.0.0.1"
        server.port = ${port}
        server.max-keep-alive-requests = 100000
        accesslog.filename = "${join(directory, "access.log")}"
        mimetype.assign = ( "" => "application/octet-stream" )
        ${lines}`
    }
  }))

/** Caddy, without its administration and without its own certificates. */
export const caddy = ({ lines = "", root, tls }: ServerOptions) =>
  start("caddy", tls, ({ directory, port }) => ({
    parameters: ["run", "--adapter", "caddyfile", "--config", join(directory, "Caddyfile")],
    env: { XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory, HOME: directory },
    files: {
      Caddyfile: `{
  admin off
  auto_https off
}
${tls === undefined ? "http://" : "https://localhost"}:${port} {
  bind 127.0.0.1
  ${tls === undefined ? "" : `tls ${join(directory, "certificate.pem")} ${join(directory, "key.pem")}`}
  log {
    output file ${join(directory, "access.log")}
  }
  root * ${root}
  ${lines}
  file_server
}
`
    }
  }))

/** Varnish before a server on this port. It keeps its responses in memory. */
export const varnish = (port: number) =>
  start("varnishd", undefined, (place) => ({
    parameters: [
      ...["-F", "-n", join(place.directory, "work"), "-a", `127.0.0.1:${place.port}`],
      ...["-b", `127.0.0.1:${port}`, "-s", "malloc,32m", "-j", "none"]
    ],
    files: {}
  }))

/** Squid before a server on this port. It keeps nothing. */
export const reverseSquid = (port: number) =>
  Effect.flatMap(freePort, (own) =>
    Effect.map(
      squid({
        lines: `http_port 127.0.0.1:${own} accel defaultsite=localhost no-vhost
cache_peer 127.0.0.1 parent ${port} 0 no-query originserver
never_direct allow all`
      }),
      (program): Program => ({ ...program, port: own, url: `http://127.0.0.1:${own}` })
    )
  )

/** Squid, a proxy that keeps nothing. It connects to every port. */
export const squid = ({ lines = "", user }: ProxyOptions = {}) =>
  start("squid", undefined, ({ directory, port }) => ({
    parameters: ["-N", "-d", "1", "-n", `halyard${port}`, "-f", join(directory, "squid.conf")],
    sharedMemory: `halyard${port}-`,
    files: {
      "users.sh": `#!/bin/sh\nwhile read -r given; do [ "$given" = "${user?.name} ${user?.password.replaceAll("%", "%25").replaceAll(" ", "%20")}" ] && echo OK || echo ERR; done\n`,
      "squid.conf": `
${lines}
http_port 127.0.0.1:${port}
pid_filename ${join(directory, "squid.pid")}
access_log stdio:${join(directory, "access.log")}
buffered_logs off
cache_log ${join(directory, "error.log")}
coredump_dir ${directory}
cache deny all
cache_mem 1 MB
pinger_enable off
max_filedescriptors 1024
shutdown_lifetime 0 seconds
visible_hostname halyard.test
${
  user === undefined
    ? "http_access allow all"
    : `auth_param basic program ${join(directory, "users.sh")}
auth_param basic children 1
auth_param basic realm halyard
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all`
}
`
    }
  }))

/** tinyproxy. It connects to every port. */
export const tinyproxy = ({ lines = "", user }: ProxyOptions = {}) =>
  start("tinyproxy", undefined, ({ directory, port }) => ({
    parameters: ["-d", "-c", join(directory, "tinyproxy.conf")],
    files: {
      "tinyproxy.conf": `
${lines}
Port ${port}
Listen 127.0.0.1
Timeout 600
LogFile "${join(directory, "access.log")}"
LogLevel Connect
MaxClients 100
${user === undefined ? "" : `BasicAuth ${user.name} ${user.password}`}
`
    }
  }))

/** microsocks, a SOCKS5 proxy. */
export const microsocks = ({ user }: Omit<ProxyOptions, "lines"> = {}) =>
  start("microsocks", undefined, ({ port }) => ({
    parameters: [
      ...["-i", "127.0.0.1", "-p", `${port}`],
      ...(user === undefined ? [] : ["-u", user.name, "-P", user.password])
    ],
    files: {}
  }))

/**
 * HAProxy. `sections` makes the sections after `global` and `defaults`. `bind` is the value of a `bind` line for the port,
 * with the certificate if `isTls`.
 */
export const haproxy = (options: {
  readonly isTls?: boolean | undefined
  readonly sections: (bind: string) => string
}) =>
  start("haproxy", options.isTls === true ? { cert: certificate, key } : undefined, ({ directory, port }) => ({
    parameters: ["-db", "-f", join(directory, "haproxy.cfg")],
    files: {
      "both.pem": certificate + key,
      "haproxy.cfg": `global
  maxconn 200
defaults
  mode tcp
  timeout connect 10s
  timeout client 10m
  timeout server 10m
${options.sections(`127.0.0.1:${port}${options.isTls === true ? ` ssl crt ${join(directory, "both.pem")}` : ""}`)}
`
    }
  }))

/** OpenStack Swift with its S3 interface, whose access key is `test:tester` and whose secret is `testing`. */
export const swift = start("swift-proxy-server", undefined, ({ directory, port }) => ({
  executable: "/usr/bin/python3",
  parameters: [fileURLToPath(new URL("./swiftServer.py", import.meta.url)), directory, String(port)],
  files: {}
}))
