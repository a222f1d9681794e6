/** Phone numbers, masked (DOMAIN: shown masked by default). */

/** 138****1234 @param {string} phone */
export function maskPhone(phone) {
  const digits = phone.replace(/\s/g, '')
  return digits.length < 8 ? digits.replace(/.(?=.{2})/g, '*') : `${digits.slice(0, 3)}****${digits.slice(-4)}`
}

/** Numbers of the registry are shown masked also where a checklist quotes them. @param {string} text */
export const maskPhones = (text) => text.replace(/(^|\D)(1\d{10})(?!\d)/g, (_, before, phone) => before + maskPhone(phone))
