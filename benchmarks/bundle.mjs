/**
 * Bundles the measured pages into the folder given: each engine with its thin page, minified as the product is.
 *
 * Invariant: the same esbuild and target for all; what is in a bundle is what its page needs.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const pages = fileURLToPath(new URL('pages/', import.meta.url))
const product = fileURLToPath(new URL('../static/src/', import.meta.url))
const common = {
  bundle: true, minify: true, charset: 'utf8', format: 'esm', target: ['chrome90', 'safari15.4'],
  outdir: process.argv[2], entryNames: '[name]', logLevel: 'error',
}
const page = (/** @type {string} */ name) => join(pages, name)

await Promise.all([
  build({ ...common, entryPoints: [page('empty.js'), page('plain.css')] }),
  // As static/build.mjs does. The others are larger, and most of them does not run at once: they gain nothing by it.
  build({
    ...common, entryPoints: [page('ours.js'), join(product, 'checklist/view/preview.css')],
    loader: { '.svg': 'file' }, banner: { js: '//# allFunctionsCalledOnLoad' },
  }),
  // Its own build for Solid shares one Solid with the page.
  build({ ...common, entryPoints: [page('odk.js')], conditions: ['solid'] }),
  build({ ...common, entryPoints: [page('enketo.js')], loader: { '.png': 'empty', '.svg': 'empty' } }),
  // Enketo's widgets dress up controls that work without: left out, its page is lighter and ready sooner.
  build({
    ...common, entryPoints: [{ in: page('enketo.js'), out: 'enketo_bare' }], alias: { 'enketo/widgets': page('no_widgets.js') },
  }),
  // Runs in the browser ahead of time, as Enketo's servers run theirs; not measured.
  build({ ...common, entryPoints: [page('enketo_transformer.js')], external: ['libxslt'] }),
])
