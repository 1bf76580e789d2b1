package io.commslib.examples.shop.storefront;

import io.commslib.examples.shop.messages.PlaceOrder;
import io.commslib.examples.shop.platform.CountedRequests;
import io.commslib.examples.shop.platform.ShopHttp;
import io.commslib.http.HttpService;
import io.commslib.http.ServiceCall;

/** Posts orders and returns to the order service. */
final class OrderClient {

  private final HttpService orders;
  private final CountedRequests requests;

  OrderClient(ShopHttp http, CountedRequests requests) {
    this.orders = http.client("order");
    this.requests = requests;
  }

  /**
   * Returns once the order service has taken responsibility for an invoice. The call repeats itself
   * under its deadline. If it fails, it must be made again with the same id, which is its
   * idempotency key: the request may have taken effect, and only its answer been lost.
   */
  void post(Object invoice, String id, String key) {
    String path = invoice instanceof PlaceOrder ? "/v1/orders" : "/v1/returns";
    ServiceCall call = orders.post(path).key(id).body(invoice);
    requests.counted(call, "POST " + path, id, key).send();
  }
}
