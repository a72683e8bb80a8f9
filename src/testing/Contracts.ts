/**
 * What every backend of a port keeps to, as functions of a layer: for those who write one of their own.
 *
 * Each gives cases, to be run as tests by whatever runs tests; a case fails with a `ContractBroken` that says what was
 * expected. Cases are run one by one, each with a fresh layer.
 *
 * @since 0.2.0
 */
export { type Case, ContractBroken } from "./contracts/Case.js"
export { journal } from "./contracts/journal.js"
export { type GovernorLimits, originGovernor } from "./contracts/originGovernor.js"
export { progress } from "./contracts/progress.js"
export { type StoreProbe, store } from "./contracts/store.js"
export { type TransportProbe, transport } from "./contracts/transport.js"
