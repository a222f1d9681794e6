/** The list of Enketo's widgets: none. */
export default []
