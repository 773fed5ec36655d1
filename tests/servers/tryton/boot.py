"""Gives a new database what opportunities need: a currency, a company, an employee, and the user in that company."""

from client import Client

client = Client()


def create(model, **values):
    return client.call(f"model.{model}.create", [[values]])[0]


rate = {"rate": {"__class__": "Decimal", "decimal": "1"}}
currency = create("currency.currency", name="Euro", symbol="€", code="EUR", rates=[["create", [rate]]])
company = create("company.company", party=create("party.party", name="My Company"), currency=currency)
employee = create("company.employee", party=create("party.party", name="Sales Rep"), company=company)
user = {"companies": [["add", [company]]], "company": company, "employees": [["add", [employee]]], "employee": employee}
client.call("model.res.user.write", [[1], user])
