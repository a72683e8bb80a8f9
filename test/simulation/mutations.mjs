// Bugs, to be planted one at a time: each replaces a piece of text of a source file by another. The simulation has to find every
// one of them. A piece that is not found in its file is an error, so that the list stays true.

import { mutations as ofReruns } from "./mutations/reruns.mjs"
import { mutations as ofTransfers } from "./mutations/transfers.mjs"

/** [what is wrong, [file, text, replacement] …] */
export const mutations = [...ofTransfers, ...ofReruns]
