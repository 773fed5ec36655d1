using sales from '../db/schema';

@path: '/odata/v4/crm'  @requires: 'authenticated-user'
service CRM {
  entity Accounts      as projection on sales.Accounts;
  entity Contacts      as projection on sales.Contacts;
  entity Opportunities as projection on sales.Opportunities;
  entity Activities    as projection on sales.Activities;
  // No ETag: the last write wins.
  entity Notes         as projection on sales.Notes;
  entity Regions       as projection on sales.Regions;
}

annotate CRM.Accounts with {
  modifiedAt @odata.etag;
  number     @Core.Computed;
  source     @Core.Immutable;
}
annotate CRM.Contacts with {
  modifiedAt @odata.etag;
}
annotate CRM.Opportunities with {
  modifiedAt @odata.etag;
}
annotate CRM.Activities with {
  modifiedAt @odata.etag;
  priority   @assert.range;
}
annotate CRM.Notes with {
  text       @mandatory;
}
