const cds = require('@sap/cds')

// On loopback only; the framework has no setting for it.
cds.once('bootstrap', app => {
  const listen = app.listen.bind(app)
  app.listen = port => listen(port, '127.0.0.1')
})

module.exports = cds.server
