/** The argument of the program that makes it a process for shards. It also needs a channel to its parent. */
export const role = "shard-process"
