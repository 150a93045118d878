from django.urls import path

from accounts import views

urlpatterns = [
    path("register", views.Register.as_view(), name="register"),
    path("token", views.Token.as_view(), name="token"),
    path("me/password", views.Password.as_view(), name="password"),
]
