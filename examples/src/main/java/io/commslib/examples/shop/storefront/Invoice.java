package io.commslib.examples.shop.storefront;

import java.util.List;

/** All lines of one invoice number, wherever they are in the file; all have the same sign. */
public record Invoice(String number, String customer, List<InvoiceLine> lines, boolean negative) {

  /** The meaning of an invoice. */
  public enum Kind {
    ORDER,
    RETURN,
    ADJUSTMENT
  }

  public Kind kind() {
    if (number.startsWith("C")) {
      return Kind.RETURN;
    }
    return negative ? Kind.ADJUSTMENT : Kind.ORDER;
  }
}
