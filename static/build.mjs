/**
 * Bundles the phone app and the desk's scripts into static/dist.
 *
 * Invariant: assets.json maps every logical name ("phone.js") to the hashed file the server names in its pages, and
 * sw.js lists exactly what /app/ needs to start with no network; its version changes whenever any of that changes.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('.', import.meta.url))
const dist = join(root, 'dist')
const shell = join(root, '..', 'templates', 'phone', 'shell.html')
const deskFolder = join(root, 'src', 'desk')
const iconFolder = join(root, 'src', 'icons')
const target = ['chrome90', 'safari15.4']

const deskEntries = existsSync(deskFolder)
  ? readdirSync(deskFolder).filter((name) => /^[a-z]+\.(js|css)$/.test(name)).map((name) => join(deskFolder, name))
  : []
const icons = readdirSync(iconFolder).filter((name) => name.endsWith('.png'))

rmSync(dist, { recursive: true, force: true })
const { metafile } = await build({
  entryPoints: [
    { in: join(root, 'src/phone/main.js'), out: 'phone' },
    { in: join(root, 'src/phone/phone.css'), out: 'phone' },
    { in: join(root, 'src/checklist/view/preview.js'), out: 'form' },
    { in: join(root, 'src/checklist/view/preview.css'), out: 'form' },
    ...deskEntries.map((path) => ({ in: path, out: basename(path).replace(/\.\w+$/, '') })),
    ...icons.map((name) => ({ in: join(iconFolder, name), out: basename(name, '.png') })),
  ],
  bundle: true, minify: true, charset: 'utf8', format: 'esm', target, outdir: dist, metafile: true,
  entryNames: '[name]-[hash]', assetNames: '[name]-[hash]',
  loader: { '.png': 'copy', '.svg': 'file' },
  // Nearly all of it runs at once: browsers that know the hint compile it beside the page, not function by function.
  banner: { js: '//# allFunctionsCalledOnLoad' },
})

/** @type {Record<string, string>} logical name → hashed file */
const assets = {}
for (const [path, output] of Object.entries(metafile.outputs)) {
  if (output.entryPoint) assets[basename(path).replace(/-[A-Z0-9]{8}(?=\.)/, '')] = basename(path)
}
writeFileSync(join(dist, 'assets.json'), JSON.stringify(assets, null, 1))

const manifest = readFileSync(join(root, 'src/phone/manifest.webmanifest'), 'utf8')
writeFileSync(join(dist, 'manifest.webmanifest'), manifest.replace(/[a-z0-9-]+\.png/g, (name) => assets[name]))

// What the shell names, and nothing else: icons come with the installed app, not with its first start.
const shellHtml = readFileSync(shell, 'utf8')
const precache = [...new Set([...shellHtml.matchAll(/asset\('([^']+)'\)/g)].map((match) => assets[match[1]]))]
const version = createHash('sha256').update(shellHtml).update(precache.join()).digest('hex').slice(0, 12)
await build({
  entryPoints: [join(root, 'src/sw.js')], bundle: true, minify: true, target, outfile: join(dist, 'sw.js'),
  define: {
    VERSION: JSON.stringify(version),
    PRECACHE: JSON.stringify(['/app/', ...precache.map((name) => `/static/${name}`)]),
  },
})
