/** A server of the cascade, as its superior lists it and as this page measured it. Times are in milliseconds. */
export interface Server {
  /** Where a balance server, or a TURN server listed directly, is: `IP:PORT`. */
  addr: string
  /** `balance` has a list of its own, `leaf` stands beside a TURN server, `turn` is one. */
  kind: 'balance' | 'leaf' | 'turn'
  name: string | null
  /** Its TURN server: `IP:PORT`. */
  turn: string | null
  urls: string[]
  /** The time from the server that lists it. */
  rtt_ms: number | null
  /** How full its TURN server is, from 0 to 1; null: that is not told. */
  load: number | null
  /** How much that can serve beside others. */
  weight: number
  labels: Record<string, string>
  /** 0 is what the broker lists. */
  level: number
  /** The balance server that lists it; null: the broker's own. */
  via: string | null
  /** The time as lists tell it: from here by way of whoever lists it, where that was measured, else from the broker; Infinity: they do not. */
  estimate: number
  /** The least time that was measured; null: none. */
  rtt: number | null
  /** The most that was measured. */
  worst: number
  /** How many times it was measured. */
  samples: number
  /** Whether its list was asked for. */
  explored?: true
  /** By which it is drawn, of those that are as near: exponentially distributed. */
  luck: number
  /** How: by ICE checks, by gathering a candidate, by HTTPS, or not, but as its superior tells it. */
  by: 'check' | 'gather' | 'https' | 'list' | null
}

export interface Selection {
  /** The nearest with a TURN server, or one that is as near and was drawn. */
  server: Server
  rtt: number | null
  /** How its time was measured; `none`: it is the first in the broker's order. */
  method: 'ice' | 'https' | 'none'
  /** Among how many that are as near it was drawn, by what each has free; null: the nearest won. */
  drawn: number | null
  /** All with a TURN server, in the order to try. */
  candidates: Server[]
  /** All servers that were listed, balance servers among them. */
  servers: Server[]
}

export interface SelectOptions {
  /** The broker: `https://root.example:8443`. */
  url: string | URL
  /** For the whole of it, in milliseconds: 5000 if left out. What was found until then is the answer. */
  timeout?: number
  /** Labels that a server must have, as `region=eu`. */
  require?: string | string[]
  family?: 4 | 6
  /** What is not to be chosen while there is anything else: addresses, or URLs of TURN servers. */
  except?: string | string[]
  /** What stays the best while it is as near as the best: an address, or a URL of a TURN server. */
  keep?: string
  /** Ask the broker even where the browser still has its list: it may keep that for two seconds. */
  fresh?: boolean
  signal?: AbortSignal
  /** Called with all servers known so far, whenever one has been measured. */
  onprogress?: (servers: Server[]) => void
}

export interface IceOptions extends SelectOptions {
  /** What the application's back end made for this user, or a function that asks it. */
  token?: string | (() => string | Promise<string>)
  /** How many TURN servers to name: 2 if left out. */
  count?: number
  /** A selection to take in place of a new one. */
  selection?: Selection
  /** Called with the selection. */
  onselect?: (selection: Selection) => void
}

export interface Change {
  /** ICE failed, the page is online again, on another network, or on one that became faster or slower. */
  reason: 'failed' | 'online' | 'network' | 'speed'
  selection: Selection
  iceServers: RTCIceServer[]
  /** Whether `restartIce()` was called: the connection fires `negotiationneeded`. */
  restarted: boolean
}

export interface WatchOptions extends Omit<IceOptions, 'selection' | 'onselect' | 'keep' | 'fresh'> {
  pc: RTCPeerConnection
  /** Called after the connection was given other servers. */
  onchange?: (change: Change) => void
  /** Called when the broker cannot be asked, which is tried again. */
  onerror?: (error: unknown) => void
}

/** What a broker answers instead. */
export class BalanceError extends Error {
  status?: number
  /** RFC 9457. */
  problem?: { type?: string; title?: string; status?: number; detail?: string }
}

/** Measures what a broker lists, and names the nearest TURN server. */
export function select(options: SelectOptions): Promise<Selection>
/** What a page passes to RTCPeerConnection as `iceServers`. */
export function iceServers(options: IceOptions): Promise<RTCIceServer[]>
/** Keeps a connection at the nearest server that works, until `stop()`, or until it is closed. */
export function watch(options: WatchOptions): { stop(): void }
