/**
 * Downloads files concurrently and shows its progress, as an Effect program.
 *
 * Every module is also an entry point of its own: `halyard/Spinner`, `halyard/MemoryStore`. The layers for Node are in
 * `halyard/Node` only, so a program on another platform does not load them.
 *
 * @since 0.1.0
 */
export * as CookieJar from "./Cookies/Jar.js"
export * as Cookies from "./Cookies.js"
export * as Credentials from "./Credentials.js"
export * as Download from "./Download.js"
export * as DownloadError from "./DownloadError.js"
export * as DownloadEvent from "./DownloadEvent.js"
export * as Downloader from "./Downloader.js"
export * as EventLine from "./EventLine.js"
export * as FlagServer from "./FlagServer.js"
export * as Flags from "./Flags.js"
export * as Har from "./Har.js"
export * as Hasher from "./Hasher.js"
export * as FileSystemJournal from "./Journal/FileSystem.js"
export * as MemoryJournal from "./Journal/Memory.js"
export * as Journal from "./Journal.js"
export * as Metrics from "./Metrics.js"
export * as Naming from "./Naming.js"
export * as OriginGovernor from "./OriginGovernor.js"
export * as Platform from "./Platform.js"
export * as Progress from "./Progress.js"
export * as RetryPolicy from "./RetryPolicy.js"
export * as RunRecord from "./RunRecord.js"
export * as RunView from "./RunView.js"
export * as Screen from "./Screen.js"
export * as Spinner from "./Spinner.js"
export * as StatusLine from "./StatusLine.js"
export * as FileSystemStore from "./Store/FileSystem.js"
export * as MemoryStore from "./Store/Memory.js"
export * as Store from "./Store.js"
export * as Supervisor from "./Supervisor.js"
export * as TerminalProgress from "./TerminalProgress.js"
export * as HttpClientTransport from "./Transport/HttpClient.js"
export * as Transport from "./Transport.js"
