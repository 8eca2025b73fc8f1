// The delays of web servers beside leaves: each answers at its own address after so many milliseconds.

import { createServer } from 'node:https'
import { readFileSync } from 'node:fs'

const [folder, ...ways] = process.argv.slice(2)
const pair = { key: readFileSync(`${folder}/key.pem`), cert: readFileSync(`${folder}/cert.pem`) }
for (const way of ways) {
  const [ip, ms] = way.split('=')
  createServer(pair, (_, response) => setTimeout(() => response.writeHead(405).end(), Number(ms))).listen(443, ip)
}
