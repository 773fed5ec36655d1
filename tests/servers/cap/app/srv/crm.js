const cds = require('@sap/cds')
const { setTimeout: sleep } = require('node:timers/promises')

// What the server does to records on its own, and the trouble that a test may ask for by a record's name.
module.exports = cds.service.impl(function () {
  let last = 0
  this.before('CREATE', 'Accounts', async req => {
    // The inserts of a change set come here all at once, before the first of them is in the database.
    const stored = await SELECT.one.from('sales.Accounts').columns('max(number) as last')
    last = Math.max(last, stored.last ?? 0) + 1
    req.data.number = last
  })

  this.before(['CREATE', 'UPDATE'], 'Contacts', req => {
    if (req.data.email) req.data.email = req.data.email.toLowerCase()
  })

  this.before('CREATE', ['Accounts', 'Opportunities'], req => {
    const { res } = req.http
    switch (req.data.name) {
      // Nothing is written.
      case 'busy':
        res.set('Retry-After', '1')
        return req.reject(503, 'busy')
      // These are written; only the answer goes wrong.
      case 'boom':
        return req.on('succeeded', () => { throw new Error('boom') })
      case 'lost':
        return req.on('succeeded', () => { res.socket.destroy() })
      case 'slow':
        return req.on('succeeded', () => sleep(5000))
    }
  })
})
