/**
 * The contracts of the ports, to test your own backends. Each contract is a function that returns test cases for a backend.
 *
 * Any test runner can run the cases. A case fails with a `ContractBroken`, whose message says what was expected. Run the cases one
 * after another, each with a new layer.
 *
 * @since 0.2.0
 */
export { type Case, ContractBroken } from "./contracts/Case.js"
export { cookies } from "./contracts/cookies.js"
export { journal } from "./contracts/journal.js"
export { type GovernorLimits, originGovernor } from "./contracts/originGovernor.js"
export { progress } from "./contracts/progress.js"
export { type StoreProbe, store } from "./contracts/store.js"
export { type TransportProbe, transport } from "./contracts/transport.js"
