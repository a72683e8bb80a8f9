/**
 * The web servers of Debian, each with the same site:
 *
 * | path | answer |
 * | --- | --- |
 * | `/files/…` | the files of the directory, compressed for a client that accepts it |
 * | `/private/…` | the same files, for `user` only |
 * | `/listed/` | an index of the directory |
 * | `/moved/…` | a redirect to `/files/…` |
 * | `/away/…` | a redirect to `away` |
 * | `/forbidden/…` | 403 |
 * | `/app/…` | the answers of an application behind the server |
 */
import { chmodSync, mkdirSync, utimesSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { temporaryDirectory } from "../program/program.js"
import * as Programs from "./programs.js"

export const user = { name: "ann", password: "s3:cret" }

const hashes = {
  sha1: "{SHA}aB80Q8opHqWokaJ4IzGZtxC1YtA=",
  bcrypt: "$2y$04$mqjJmaecsryV7EQwrc8DFeswsagh4jdb3NaMyl40hI96FRbrlZpLa"
}

export interface SiteOptions {
  /** The port of the application on the loopback interface. Default: none. */
  readonly app?: number | undefined
  /** The URL to which `/away/…` leads, without a slash at its end. */
  readonly away?: string | undefined
  /**
   * `few`: the server closes a connection after 3 requests, except Caddy. `closed`: after each response; Apache speaks HTTP/1.0.
   * Default: never.
   */
  readonly connections?: "few" | "closed" | undefined
  /** Serves by TLS, with this certificate for localhost and its key. */
  readonly tls?: Programs.ServerOptions["tls"]
}

/** The directory that a site serves. */
export interface Site {
  readonly root: string
  /** Writes a file with this time of modification, which a server may use for its ETag. */
  readonly write: (path: string, content: Uint8Array | string, modified?: Date) => void
  /** A file with the name and the password of `user`, for the server. */
  readonly users: string
}

/** A time long ago: the ETag of a file that has just been changed is weak (Apache). */
export const longAgo = new Date("2026-01-02T03:04:05Z")

export const site: Effect.Effect<Site, never, Scope.Scope> = Effect.map(temporaryDirectory, (directory) => {
  // Some servers run as other users.
  chmodSync(directory, 0o755)
  const root = join(directory, "root")
  const users = join(directory, "users")
  writeFileSync(users, `${user.name}:${hashes.sha1}\n`)
  for (const folder of ["files", "private", "listed"]) {
    mkdirSync(join(root, folder), { recursive: true })
  }
  const write: Site["write"] = (path, content, modified = longAgo) => {
    const file = join(root, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
    utimesSync(file, modified, modified)
  }
  return { root, users, write }
})

export interface WebServer {
  readonly name: Programs.Name
  /** False for a server that cannot serve TLS, as it is installed. */
  readonly hasTls: boolean
  /** False for a server that compresses nothing, as it is installed. */
  readonly compresses: boolean
  /** False for a server that ends its answer as usual if the application breaks off its own. */
  readonly showsBreaks: boolean
  readonly start: (site: Site, options?: SiteOptions) => Effect.Effect<Programs.Program, never, Scope.Scope>
}

const none = "http://127.0.0.1:1"

const nginx: WebServer["start"] = ({ root, users }, { app = 1, away = none, connections, tls } = {}) =>
  Programs.nginx({
    root,
    tls,
    lines: `
      gzip on; gzip_types *; gzip_min_length 1; absolute_redirect off;
      ${connections === "few" ? "keepalive_requests 3;" : ""}
      ${connections === "closed" ? "keepalive_timeout 0;" : ""}
      location /private/ { auth_basic private; auth_basic_user_file "${users}"; }
      location /listed/ { autoindex on; }
      location /moved/ { rewrite ^/moved/(.*)$ /files/$1 redirect; }
      location /away/ { rewrite ^/away/(.*)$ ${away}/$1 redirect; }
      location /forbidden/ { deny all; }
      location /app/ { proxy_pass http://127.0.0.1:${app}; proxy_http_version 1.1; }`
  })

const apacheModules = [
  ...["alias", "auth_basic", "authn_core", "authn_file", "authz_user", "autoindex", "deflate", "env", "filter"],
  ...["mime", "proxy", "proxy_http", "setenvif"]
]

const apache2: WebServer["start"] = ({ root, users }, { app = 1, away = none, connections, tls } = {}) =>
  Programs.apache2({
    root,
    tls,
    lines: `
      ${apacheModules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join("\n")}
      ${connections === "few" ? "MaxKeepAliveRequests 3" : ""}
      ${connections === "closed" ? "KeepAlive Off\nSetEnv downgrade-1.0 1\nSetEnv force-response-1.0 1" : ""}
      SetOutputFilter DEFLATE
      TypesConfig /dev/null
      AddEncoding x-gzip .gz
      <Directory "${root}/listed">
        Options +Indexes
      </Directory>
      <Location /private/>
        AuthType Basic
        AuthName private
        AuthUserFile "${users}"
        Require valid-user
      </Location>
      RedirectMatch 302 ^/moved/(.*)$ /files/$1
      RedirectMatch 302 ^/away/(.*)$ ${away}/$1
      <Location /forbidden/>
        Require all denied
      </Location>
      ProxyPass /app/ http://127.0.0.1:${app}/app/`
  })

const lighttpd: WebServer["start"] = ({ root, users }, { app = 1, away = none, connections } = {}) =>
  Programs.lighttpd({
    root,
    lines: `
      server.modules += ( "mod_access", "mod_auth", "mod_authn_file", "mod_dirlisting", "mod_proxy", "mod_redirect" )
      server.stat-cache-engine = "disable"
      server.stream-response-body = 1
      ${connections === "few" ? "server.max-keep-alive-requests := 3" : ""}
      ${connections === "closed" ? "server.max-keep-alive-requests := 0" : ""}
      auth.backend = "htpasswd"
      auth.backend.htpasswd.userfile = "${users}"
      auth.require = ( "/private/" => ( "method" => "basic", "realm" => "private", "require" => "valid-user" ) )
      url.redirect-code = 302
      url.redirect = ( "^/moved/(.*)$" => "/files/$1", "^/away/(.*)$" => "${away}/$1" )
      $HTTP["url"] =~ "^/forbidden/" { url.access-deny = ( "" ) }
      $HTTP["url"] =~ "^/listed/$" { dir-listing.activate = "enable" }
      $HTTP["url"] =~ "^/app/" { proxy.server = ( "" => ( ( "host" => "127.0.0.1", "port" => ${app} ) ) ) }`
  })

const caddy: WebServer["start"] = ({ root }, { app = 1, away = none, connections, tls } = {}) =>
  Programs.caddy({
    root,
    tls,
    lines: `
  encode {
    gzip
    zstd
    minimum_length 1
    match {
      header Content-Type *
    }
  }
  ${connections === "closed" ? "header Connection close" : ""}
  basicauth /private/* {
    ${user.name} ${hashes.bcrypt}
  }
  handle_path /moved/* {
    redir * /files{uri} 302
  }
  handle_path /away/* {
    redir * ${away}{uri} 302
  }
  respond /forbidden/* 403
  reverse_proxy /app/* 127.0.0.1:${app}
  file_server /listed/* browse`
  })

export const webServers: ReadonlyArray<WebServer> = [
  { name: "nginx", hasTls: true, compresses: true, showsBreaks: true, start: nginx },
  { name: "apache2", hasTls: true, compresses: true, showsBreaks: true, start: apache2 },
  { name: "lighttpd", hasTls: false, compresses: false, showsBreaks: false, start: lighttpd },
  { name: "caddy", hasTls: true, compresses: true, showsBreaks: false, start: caddy }
]
