package io.commslib.examples.shop.payment;

import io.commslib.core.tx.TransactionContext;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.examples.shop.messages.OrderCharge;
import io.commslib.examples.shop.queries.OrderRequest;
import io.commslib.examples.shop.queries.Price;
import io.commslib.examples.shop.queries.PricesGrpc;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.Optional;
import java.util.function.BiFunction;

/** What payment answers over gRPC. */
final class PriceAnswers extends PricesGrpc.PricesImplBase {

  private final TransactionRunner transactions;
  private final BiFunction<TransactionContext, String, Optional<OrderCharge>> find;

  PriceAnswers(
      TransactionRunner transactions,
      BiFunction<TransactionContext, String, Optional<OrderCharge>> find) {
    this.transactions = transactions;
    this.find = find;
  }

  @Override
  public void priceOf(OrderRequest request, StreamObserver<Price> answer) {
    Optional<OrderCharge> charge = transactions.run(tx -> find.apply(tx, request.getOrderId()));
    if (charge.isEmpty()) {
      answer.onError(Status.NOT_FOUND.asRuntimeException());
      return;
    }
    answer.onNext(
        Price.newBuilder()
            .setAmount(charge.get().amount())
            .setReversed(charge.get().reversed())
            .build());
    answer.onCompleted();
  }
}
