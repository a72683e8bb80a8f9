/**
 * Counts how often functions are executed, so that a test can compare costs without a clock.
 */
import { Session } from "node:inspector/promises"

/** The number of executions of functions in the source files whose path has this text, while `act` runs. */
export const executions = async (of: string, act: () => void): Promise<number> => {
  const session = new Session()
  session.connect()
  try {
    await session.post("Profiler.enable")
    await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false })
    act()
    const { result } = await session.post("Profiler.takePreciseCoverage")
    return result
      .filter(({ url }) => url.includes(of))
      .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges))
      .reduce((sum, { count }) => sum + count, 0)
  } finally {
    session.disconnect()
  }
}
