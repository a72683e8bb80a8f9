/**
 * A tracer that records the spans of a program.
 */
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"

export interface RecordedSpan extends Tracer.Span {
  readonly events: Array<{ readonly name: string; readonly attributes: Readonly<Record<string, unknown>> }>
}

export interface Recorder {
  readonly tracer: Tracer.Tracer
  /** In the order in which they began. */
  readonly spans: ReadonlyArray<RecordedSpan>
}

export const recordSpans = (): Recorder => {
  const spans: Array<RecordedSpan> = []
  const tracer = Tracer.make({
    context: (execute) => execute(),
    span: (name, parent, context, links, startTime, kind) => {
      const attributes = new Map<string, unknown>()
      const events: RecordedSpan["events"] = []
      let status: Tracer.SpanStatus = { _tag: "Started", startTime }
      const span: RecordedSpan = {
        _tag: "Span",
        name,
        spanId: (spans.length + 1).toString(16).padStart(16, "0"),
        traceId: Option.match(parent, { onNone: () => "f".repeat(32), onSome: ({ traceId }) => traceId }),
        parent,
        context,
        links: [...links],
        sampled: true,
        get status() {
          return status
        },
        attributes,
        events,
        kind,
        attribute: (key, value) => attributes.set(key, value),
        event: (event, _, given = {}) => events.push({ name: event, attributes: given }),
        addLinks: () => {},
        end: (endTime, exit) => {
          if (status._tag === "Ended") {
            throw new Error(`the span ${name} ends twice`)
          }
          status = { _tag: "Ended", startTime, endTime, exit }
        }
      }
      spans.push(span)
      return span
    }
  })
  return { tracer, spans }
}

/** The span, with how it ended: `GET in Downloader.transfer: ok`. */
export const lineOf = ({ name, parent, status }: Tracer.Span): string =>
  `${name} in ${Option.match(parent, { onNone: () => "nothing", onSome: parentName })}: ${endOf(status)}`

const parentName = (span: Tracer.AnySpan): string => (span._tag === "Span" ? span.name : "another process")

const endOf = (status: Tracer.SpanStatus): string =>
  status._tag === "Started"
    ? "open"
    : Exit.isSuccess(status.exit)
      ? "ok"
      : Exit.isInterrupted(status.exit)
        ? "interrupted"
        : "failed"
