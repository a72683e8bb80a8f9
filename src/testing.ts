/**
 * The kit for testing what is built on halyard, as halyard tests itself.
 *
 * @since 0.2.0
 */
export * as Disk from "./testing/Disk.js"
export * as Origin from "./testing/Origin.js"
export * as Simulation from "./testing/Simulation.js"
export { World } from "./testing/World.js"
