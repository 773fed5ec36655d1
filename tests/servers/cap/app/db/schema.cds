namespace sales;
using { cuid, managed } from '@sap/cds/common';

// A key that the client chooses, and that is no UUID; no time of change.
entity Regions {
  key code : String(10);
      name : String(60);
}

// Every kind of field, a link to its own kind, and a number that the server assigns.
entity Accounts : cuid, managed {
  number        : Integer;
  name          : String(100);
  location      : String(60);
  phone         : String(40);
  revenue       : Decimal(15, 2);
  active        : Boolean;
  employees     : Integer;
  followers     : Int64;
  rating        : Double;
  founded       : Date;
  lastCall      : DateTime;
  verifiedAt    : Timestamp;
  notes         : String(2000);
  source        : String(20);
  parent        : Association to Accounts;
  region        : Association to Regions;
  opportunities : Association to many Opportunities on opportunities.account = $self;
}

entity Contacts : cuid, managed {
  firstName : String(60);
  lastName  : String(60);
  email     : String(120);
  phone     : String(40);
  account   : Association to Accounts;
}

@assert.unique: { userKey: [ name, account ] }
entity Opportunities : cuid, managed {
  name      : String(100);
  stage     : String(30);
  amount    : Decimal(15, 2);
  closeDate : Date;
  account   : Association to Accounts;
}

entity Activities : cuid, managed {
  type        : String(20);
  subject     : String(200);
  due         : DateTime;
  priority    : String(10) enum { low; normal; high };
  opportunity : Association to Opportunities;
}

entity Notes : cuid, managed {
  text    : String(2000);
  account : Association to Accounts;
}
