import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'

import * as sdk from '../turn-balance.js'

const read = (path) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
const source = read('turn-balance.js')

test('its version is the crate\'s', () => {
  const [, version] = read('../../Cargo.toml').match(/^\[package\]\nname = "turn-balance"\nversion = "(.*)"/m)
  assert.equal(JSON.parse(read('package.json')).version, version)
  assert.equal(JSON.parse(read('package-lock.json')).version, version)
})

test('it stays small', () => {
  const code = source.split('\n').filter((line) => !/^\s*(\/\/|\/\*\*)/.test(line))
  const size = gzipSync(code.join('\n'), { level: 9 }).length
  assert.ok(size < 6000, `${size} bytes compressed, without its comments`)
})

test('it depends on nothing, and says nothing', () => {
  assert.equal(JSON.parse(read('package.json')).dependencies, undefined)
  assert.doesNotMatch(source, /\bimport\b|console|debugger/)
})

test('the types name what there is', () => {
  const names = [...read('turn-balance.d.ts').matchAll(/^export (?:function|class) (\w+)/gm)].map(([, name]) => name)
  assert.deepEqual(names.sort(), Object.keys(sdk).sort())
})

test('the lock names no host', () => {
  assert.doesNotMatch(read('package-lock.json'), /"resolved": "(?!https:\/\/registry\.npmjs\.org\/)/)
})
