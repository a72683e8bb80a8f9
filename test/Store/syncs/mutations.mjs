// Bugs of the syncs of the store, planted one at a time as those of the simulation. The tests of these syncs have to find every one
// of them: the simulation meets them rarely.

const fileSyncs = "Store/syncs/fileSyncs.ts"
const directorySyncs = "Store/syncs/directorySyncs.ts"

export const mutations = [
  [
    "a shared sync that fails counts",
    [fileSyncs, "if (Exit.isFailure(exit)) {", "if (Exit.isFailure(exit) && false) {"]
  ],
  [
    "a caller gets the sync of the directory that is under way",
    [directorySyncs, "const others = directory.waiting\n      directory.waiting = []\n", ""],
    [
      directorySyncs,
      "directory.underWay--\n",
      "directory.underWay--\n        const others = directory.waiting\n        directory.waiting = []\n"
    ]
  ],
  [
    "the last directory is never synced",
    [directorySyncs, "directory.underWay--\n        this.start(path, directory)", "directory.underWay--"]
  ]
]
