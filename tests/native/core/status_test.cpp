#include "core/status.hpp"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <string>
#include <thread>

#include "abi/guard.hpp"

namespace dmoe {
namespace {

TEST(Status, Require_WhenItFails_CarriesCodeAndText) {
  try {
    DMOE_REQUIRE(1 > 2, DMOE_E_SHAPE, "%s is %d", "columns", 7);
    FAIL() << "nothing was thrown";
  } catch (const Status& status) {
    EXPECT_EQ(status.code(), DMOE_E_SHAPE);
    EXPECT_STREQ(status.what(), "columns is 7");
  }
}

TEST(Status, Guard_WhateverIsThrown_ReturnsAStatusWithText) {
  EXPECT_EQ(guard("a", [] {}), DMOE_OK);
  EXPECT_EQ(guard("a", [] { fail(DMOE_E_OPTIONS, "x"); }), DMOE_E_OPTIONS);
  EXPECT_STREQ(dmoe_last_error(), "a: x");
  EXPECT_EQ(guard("b", [] { throw std::bad_alloc(); }), DMOE_E_NO_MEMORY);
  EXPECT_STREQ(dmoe_last_error(), "b: out of memory");
  EXPECT_EQ(guard("c", [] { throw std::runtime_error("oops"); }), DMOE_E_INTERNAL);
  EXPECT_STREQ(dmoe_last_error(), "c: oops");
  EXPECT_EQ(guard("d", [] { throw 7; }), DMOE_E_INTERNAL);
  EXPECT_STREQ(dmoe_last_error(), "d: unknown exception");
}

TEST(Status, Fail_WhenTheTextIsTooLong_TruncatesIt) {
  const std::string text(5000, 'x');
  EXPECT_EQ(guard("a", [&] { fail(DMOE_E_ARGUMENT, "%s", text.c_str()); }), DMOE_E_ARGUMENT);
  EXPECT_EQ(std::string(dmoe_last_error()), "a: " + std::string(Status::kCapacity - 1, 'x'));
}

TEST(Status, LastError_OfAnotherThread_IsItsOwn) {
  guard("mine", [] { fail(DMOE_E_ARGUMENT, "x"); });
  std::string other = "unset";
  std::thread([&] { other = dmoe_last_error(); }).join();
  EXPECT_EQ(other, "");
  EXPECT_STREQ(dmoe_last_error(), "mine: x");
}

}  // namespace
}  // namespace dmoe
