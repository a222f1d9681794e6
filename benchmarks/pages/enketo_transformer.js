/** Makes of an XForm what Enketo's servers send to the browser; used before anything is measured. */
import { transform } from 'enketo-transformer/web'

window.transform = transform
