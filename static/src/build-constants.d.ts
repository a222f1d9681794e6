/** Put in by static/build.mjs. */
declare const VERSION: string
declare const PRECACHE: string[]
