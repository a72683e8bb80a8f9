import { Download } from "halyard"

/** The content is the answer to a `POST`, because the request has a `body`. */
export const table = Download.request({
  url: "https://api.example/tables",
  destination: "table.csv",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ year: 2026 })
})
